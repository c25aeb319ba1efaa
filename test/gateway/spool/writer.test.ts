import { expect, it } from 'vitest';
import type { Write } from '../../../src/gateway/spool/store.js';
import { createWriter } from '../../../src/gateway/spool/writer.js';

/** A store whose writes end when the test says so. */
function createHeldStore() {
  const batches: { readonly keys: readonly string[]; end(error?: Error): void }[] = [];
  const write = (writes: readonly Write[]) =>
    new Promise<void>((resolve, reject) => {
      const end = (error?: Error) => (error === undefined ? resolve() : reject(error));
      batches.push({ keys: writes.map(({ key }) => key), end });
    });
  return { batches, write };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

it('while one batch is being written the next one gathers, in order', async () => {
  const store = createHeldStore();
  const writer = createWriter(store);
  const first = writer.write([{ key: 'a' }]);
  await settled();
  const others = [writer.write([{ key: 'b' }, { key: 'c' }]), writer.write([{ key: 'd' }])];
  await settled();
  expect(store.batches.map(({ keys }) => keys)).toEqual([['a']]);
  store.batches[0]?.end();
  await first;
  await settled();
  expect(store.batches.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c', 'd']]);
  store.batches[1]?.end();
  await Promise.all(others);
  await writer.idle();
});

it('a batch that cannot be written fails those who wait for it, and all that come after it', async () => {
  const store = createHeldStore();
  const writer = createWriter(store);
  const failing = writer.write([{ key: 'a' }]);
  await settled();
  const next = writer.write([{ key: 'b' }]);
  store.batches[0]?.end(new Error('no space left on device'));
  await expect(failing).rejects.toThrow('no space');
  await expect(next).rejects.toThrow('no space');
  await expect(writer.write([{ key: 'c' }])).rejects.toThrow('no space');
  expect(store.batches.map(({ keys }) => keys)).toEqual([['a']]);
  await writer.idle();
});

it('a batch is bounded in bytes: what is beyond goes with the next, and what is written together stays together', async () => {
  const store = createHeldStore();
  const writer = createWriter(store);
  const value = Buffer.alloc(700 * 1024);
  const first = writer.write([{ key: 'a', value }]);
  await settled();
  const others = ['b', 'c', 'd'].map((key) => writer.write([{ key, value }]));
  const large = writer.write([
    { key: 'e', value: Buffer.alloc(5 * 1024 * 1024) },
    { key: 'f', value },
  ]);
  const small = writer.write([{ key: 'g', value }]);
  let isIdle = false;
  const idle = writer.idle().then(() => {
    isIdle = true;
  });
  for (let batch = 0; batch < 5; batch++) {
    expect(isIdle).toBe(false);
    store.batches[batch]?.end();
    await settled();
  }
  await Promise.all([first, ...others, large, small, idle]);
  expect(store.batches.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c'], ['d'], ['e', 'f'], ['g']]);
});
