import { describe, expect, it } from 'vitest';
import { createGroupCommit } from '../../../src/broker/store/group-commit.js';
import type { Write } from '../../../src/broker/store/index.js';

/** A disk that takes each batch only when told to. */
function createSlowDisk() {
  const batches: { keys: string[]; finish: (error?: Error) => void }[] = [];
  let arrived = () => {};
  return {
    batches,
    apply: (writes: readonly Write[]) =>
      new Promise<void>((resolve, reject) => {
        const finish = (error?: Error) => (error ? reject(error) : resolve());
        batches.push({ keys: writes.map(({ key }) => key.toString()), finish });
        arrived();
      }),
    /** Waits for the next batch. */
    async batch(count: number) {
      while (batches.length < count) {
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
      return batches[count - 1] as (typeof batches)[number];
    },
  };
}

const write = (key: string): Write => ({ key: Buffer.from(key), value: Buffer.from(key) });

describe('group commit', () => {
  it('gathers what is committed while a batch is on its way, and answers each after its own batch', async () => {
    const disk = createSlowDisk();
    const group = createGroupCommit(disk.apply);
    const done: string[] = [];
    const commit = (key: string) => void group.commit([write(key)]).then(() => done.push(key));
    commit('a');
    const first = await disk.batch(1);
    commit('b');
    commit('c');
    expect(group.pendingBytes()).toBe(6);
    expect(done).toEqual([]);
    first.finish();
    const second = await disk.batch(2);
    expect([first.keys, second.keys, done]).toEqual([['a'], ['b', 'c'], ['a']]);
    second.finish();
    await group.close();
    expect(done).toEqual(['a', 'b', 'c']);
    expect(group.pendingBytes()).toBe(0);
  });

  it('writes small state once a batch, as it is when the batch is formed', async () => {
    const disk = createSlowDisk();
    const group = createGroupCommit(disk.apply);
    let counter = 0;
    group.onBatch((into) => into.push(write(`state-${counter}`)));
    for (let index = 0; index < 3; index++) {
      counter++;
      void group.commit([write(`m${index}`)]);
    }
    const batch = await disk.batch(1);
    expect(batch.keys).toEqual(['m0', 'm1', 'm2', 'state-3']);
    batch.finish();
    await group.close();
  });

  it('fails everybody, and for good, when the disk fails', async () => {
    const disk = createSlowDisk();
    const failures: unknown[] = [];
    const group = createGroupCommit(disk.apply, (error) => failures.push(error));
    const first = group.commit([write('a')]);
    const batch = await disk.batch(1);
    const second = group.commit([write('b')]);
    batch.finish(new Error('disk full'));
    const failure = { code: 'PS_BROKER_STORE_FAILED' };
    await expect(first).rejects.toMatchObject(failure);
    await expect(second).rejects.toMatchObject(failure);
    await expect(group.commit([])).rejects.toMatchObject(failure);
    expect(disk.batches).toHaveLength(1);
    expect(failures).toMatchObject([failure]);
  });

  it('takes nothing more once it is closing', async () => {
    const group = createGroupCommit(() => Promise.resolve());
    const last = group.commit([write('a')]);
    const closed = group.close();
    await expect(group.commit([write('b')])).rejects.toMatchObject({ code: 'PS_BROKER_STORE_CLOSED' });
    await Promise.all([last, closed]);
  });
});
