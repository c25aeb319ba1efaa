import { expect, test } from 'vitest';
import { lateStreamKey, paneKey, singleKey } from '../../../src/shared/live-keys.js';
import { all, change, health, lateEvent, owner, PAGES, PANE, startSinkRig, withLate } from './rig.js';

const { redis, sink, streamOf } = await startSinkRig();
/** It is another after each write, and never one that was before. */
const REV = expect.stringMatching(/^\d{16,}$/);

test('what was read from a hub that was made at another time, or had more events, is not taken for that of this one', async () => {
  expect(await sink.adopt(owner('0', 1, 5), 9)).toBe(true);
  await sink.write(owner('0', 1, 5), all(9));
  await sink.claim(owner('0', 2));
  expect(await sink.adopt(owner('0', 2, 5), 9)).toBe(true);
  expect(await sink.adopt(owner('0', 2), 9)).toBe(true);
  expect(await sink.adopt(owner('0', 2), 8)).toBe(false);
  expect(await sink.adopt(owner('0', 2, 5))).toBe(true);
  expect(await sink.adopt(owner('0', 2, 6))).toBe(false);
  expect(await sink.adopt(owner('0', 2, 6), 1_000)).toBe(false);
  await sink.forget(owner('0', 2));
  expect(await sink.adopt(owner('0', 2, 6), 1_000)).toBe(true);
  expect(await sink.adopt(owner('0', 2, 5), 9)).toBe(false);
  await sink.claim(owner('0', 3));
  await expect(sink.adopt(owner('0', 2, 5), 9)).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED' });
});

test('what a former owner wrote after Redis had lost the claim stays where it is of the same hub, though more has come to it since', async () => {
  await sink.claim(owner('0', 2, 5));
  await redis.flushall();
  await sink.write(owner('0', 1, 5), all(9));
  expect(await sink.adopt(owner('0', 2, 5), 8)).toBe(true);
  await expect(sink.write(owner('0', 1, 5), all(10))).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED' });
});

test.for([
  ['figures', { ...change(9, PANE, { '/a': 3 }) }],
  ['late events', withLate(9, [lateEvent(9)])],
  ['totals', { ...change(9, PANE, {}), panes: [], totals: [{ startMs: 0, names: ['counted'], values: [1] }] }],
] as const)(
  'of a former owner that wrote its %s of another hub after Redis had lost the claim nothing is taken for that of this hub',
  async ([, changes]) => {
    let recovered = 0;
    const stop = sink.onRecovered(() => recovered++);
    await sink.claim(owner('0', 2, 6));
    expect(await sink.adopt(owner('0', 2, 6), -1)).toBe(true);
    await redis.flushall();
    await sink.write(owner('0', 1, 5), changes);
    expect(recovered).toBe(1);
    await sink.write(owner('0', 2, 6), all(0));
    expect(recovered).toBe(2);
    expect(await sink.adopt(owner('0', 2, 6))).toBe(false);
    await sink.forget(owner('0', 2, 6));
    expect(await sink.adopt(owner('0', 2, 6))).toBe(true);
    await sink.write(owner('0', 2, 6), all(0));
    stop();
    expect(recovered).toBe(2);
    expect((await streamOf('0')).map(([id]) => id)).toEqual(['0-1']);
    expect(await redis.hgetall(paneKey(PAGES, PANE))).toEqual({ '0': '0', '0|/a': '3', rev: REV });
  },
);

test('of partitions that the hub does not have nothing is left, and who had one writes nothing more', async () => {
  for (const partition of ['0', '1', '10']) await sink.write(owner(partition, 4), all(9));
  await sink.report(owner('10', 4), health(9));
  await Promise.all([sink.forgetOthers(['0', '1']), sink.forgetOthers(['0', '1'])]);
  const hashes = [paneKey(PAGES, PANE), singleKey('totals'), singleKey('events'), singleKey('health')];
  const fields = (await Promise.all(hashes.map((key) => redis.hkeys(key)))).flat();
  expect(fields.filter((field) => field.startsWith('10'))).toEqual([]);
  expect(fields).toEqual(expect.arrayContaining(['0|/a', '1|/a', '0|list', '1|counted']));
  expect(await redis.exists(lateStreamKey('10'))).toBe(0);
  expect(await streamOf('1')).toHaveLength(1);
  await expect(sink.write(owner('10', 4), all(10))).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED' });
  await sink.write(owner('0', 4), all(10));
});
