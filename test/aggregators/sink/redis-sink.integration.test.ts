import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StateChanges } from '../../../src/aggregators/state/changes.js';
import {
  LIVE_CHANNEL,
  PANE_RETENTION_MS,
  paneExpiriesKey,
  paneIndexKey,
  paneKey,
  singleKey,
} from '../../../src/shared/live-keys.js';
import { waitFor } from '../../helpers/wait.js';
import { change, health, NOW, owner, PAGES, PANE, startSinkRig } from './rig.js';

const { redis, sink } = await startSinkRig();
/** It is another after each write, and never one that was before. */
const REV = expect.stringMatching(/^\d{16,}$/);

test('values of several partitions stand side by side, with their versions and a revision', async () => {
  await sink.write(owner('0'), change(7, PANE, { '/a': 3, '/b': 1 }));
  await sink.write(owner('1'), change(2, PANE, { '/a': 5 }));
  await sink.write(owner('0'), change(8, PANE, { '/a': 4 }));
  expect(await redis.hgetall(paneKey(PAGES, PANE))).toEqual({
    '0': '8',
    '0|/a': '4',
    '0|/b': '1',
    '1': '2',
    '1|/a': '5',
    rev: REV,
  });
});

test('how often something was taken back in a pane is beside its values, under the same fence, and goes with the partition', async () => {
  const revisedBy = (sequenceNumber: number, revision: number): StateChanges => ({
    ...change(sequenceNumber, PANE, {}),
    panes: [{ metric: PAGES, changes: [{ startMs: PANE, names: ['/a'], values: [1], revision }] }],
  });
  await sink.write(owner('0'), revisedBy(7, 2));
  await sink.write(owner('0'), revisedBy(6, 1));
  expect(await redis.hgetall(paneKey(PAGES, PANE))).toEqual({ '0': '7', '0|/a': '1', '0#revision': '2', rev: REV });
  await sink.forget(owner('0'));
  expect(await redis.hgetall(paneKey(PAGES, PANE))).toEqual({ rev: REV });
});

test('a write with a lower version than what is there changes nothing, and learns of that version', async () => {
  expect(await sink.write(owner('0'), change(8, PANE, { '/a': 4 }))).toBe(-1);
  const before = await redis.hgetall(paneKey(PAGES, PANE));
  expect(await sink.write(owner('0'), change(7, PANE, { '/a': 3, '/c': 1 }))).toBe(8);
  expect(await redis.hgetall(paneKey(PAGES, PANE))).toEqual(before);
});

test('who is followed by another owner writes nothing, forgets nothing, and learns by whom', async () => {
  await sink.write(owner('0', 2), change(8, PANE, { '/a': 4 }));
  expect(await sink.claim(owner('0', 3))).toBe(3);
  const before = await redis.hgetall(paneKey(PAGES, PANE));
  const refused = { code: 'PS_PARTITION_FENCED', facts: { epoch: 2, by: 3 } };
  await expect(sink.write(owner('0', 2), change(9, PANE, { '/a': 5 }))).rejects.toMatchObject(refused);
  await expect(sink.write(owner('0', 2), change(9, PANE + 60_000, { '/a': 5 }))).rejects.toMatchObject(refused);
  await expect(sink.forget(owner('0', 2))).rejects.toMatchObject(refused);
  await sink.report(owner('0', 2), health(9));
  expect(await redis.hgetall(paneKey(PAGES, PANE))).toEqual(before);
  expect(await redis.exists(paneKey(PAGES, PANE + 60_000), singleKey('health'))).toBe(0);
  expect(await sink.claim(owner('0', 2))).toBe(3);
  await sink.write(owner('1', 1), change(1, PANE, { '/a': 1 }));
  await sink.write(owner('0', 3), change(8, PANE, { '/a': 6 }));
  expect(await redis.hmget(paneKey(PAGES, PANE), '0|/a', '1|/a')).toEqual(['6', '1']);
});

test('a new owner does not take back what was shown from further on in the hub', async () => {
  await sink.write(owner('0', 1), change(8, PANE, { '/a': 4 }));
  await sink.write(owner('0', 2), change(6, PANE, { '/a': 3 }));
  expect(await redis.hget(paneKey(PAGES, PANE), '0|/a')).toBe('4');
  await sink.write(owner('0', 2), change(9, PANE, { '/a': 5 }));
  expect(await redis.hget(paneKey(PAGES, PANE), '0|/a')).toBe('5');
});

test('versions are compared as numbers', async () => {
  await sink.write(owner('0'), change(9, PANE, { '/a': 1 }));
  await sink.write(owner('0'), change(10, PANE, { '/a': 2 }));
  expect(await redis.hget(paneKey(PAGES, PANE), '0|/a')).toBe('2');
});

test('a value of zero leaves no field', async () => {
  await sink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  await sink.write(owner('0'), change(2, PANE, { '/a': 0 }));
  expect(await redis.hexists(paneKey(PAGES, PANE), '0|/a')).toBe(0);
});

test('a pane is indexed and expires at a time that a replay does not move', async () => {
  await sink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  await sink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  expect(await redis.zrange(paneIndexKey(PAGES), '0', '-1')).toEqual([String(PANE)]);
  const expiresAt = (key: string) => redis.call('PEXPIRETIME', key);
  expect(await expiresAt(paneKey(PAGES, PANE))).toBe(PANE + 60_000 + PANE_RETENTION_MS);
});

test('a pane that got something late does not expire sooner because another partition is read from further behind', async () => {
  const enqueuedAt = (enqueuedAtMs: number) => ({ sequenceNumber: 1, offset: '', enqueuedAtMs });
  await sink.write(owner('0'), { ...change(1, PANE, { '/a': 1 }), position: enqueuedAt(NOW + 3_600_000) });
  await sink.write(owner('1'), { ...change(1, PANE, { '/a': 1 }), position: enqueuedAt(NOW) });
  const expiryMs = NOW + 3_600_000 + PANE_RETENTION_MS;
  expect(await redis.call('PEXPIRETIME', paneKey(PAGES, PANE))).toBe(expiryMs);
  expect(await redis.zscore(paneExpiriesKey(PAGES), String(PANE))).toBe(String(expiryMs));
});

test('an expired pane leaves the index', async () => {
  await redis.zadd(paneIndexKey(PAGES), 60_000, '60000');
  await redis.zadd(paneExpiriesKey(PAGES), NOW - 1, '60000');
  await sink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  expect(await redis.zrange(paneIndexKey(PAGES), '0', '-1')).toEqual([String(PANE)]);
  expect(await redis.zcard(paneExpiriesKey(PAGES))).toBe(1);
});

test('thousands of panes and names in one flush all arrive', async () => {
  const changes = Array.from({ length: 1_300 }, (_, index) => ({
    startMs: PANE - index * 60_000,
    names: Array.from({ length: 10 }, (__, name) => `/page/${name}`),
    values: Array.from({ length: 10 }, () => index + 1),
  }));
  const wide = {
    startMs: PANE + 60_000,
    names: Array.from({ length: 9_000 }, (_, name) => `/${name}`),
    values: Array(9_000).fill(1),
  };
  await sink.write(owner('0'), { ...change(1, PANE, {}), panes: [{ metric: PAGES, changes: [...changes, wide] }] });
  expect(await redis.zcard(paneIndexKey(PAGES))).toBe(1_301);
  expect(await redis.hget(paneKey(PAGES, PANE - 1_299 * 60_000), '0|/page/9')).toBe('1300');
  expect(await redis.hlen(paneKey(PAGES, PANE + 60_000))).toBe(9_002);
});

test('lists and totals are hashes of their own that do not expire', async () => {
  await sink.write(owner('3'), {
    ...change(1, PANE, {}),
    lists: [{ metric: 'events', entries: [{ id: 'a' }] }],
    totals: [{ startMs: 0, names: ['counted'], values: [5] }],
  });
  expect(await redis.hget(singleKey('events'), '3|list')).toBe('[{"id":"a"}]');
  expect(await redis.hget(singleKey('totals'), '3|counted')).toBe('5');
  expect(await redis.pttl(singleKey('totals'))).toBe(-1);
});

test('a partition that is forgotten leaves the others as they are, and its numbers may begin anew', async () => {
  await sink.write(owner('1'), change(70, PANE, { '/a': 3, '1|odd': 1 }));
  await sink.write(owner('11'), change(5, PANE, { '/a': 2 }));
  await sink.write(owner('1'), {
    ...change(71, PANE - 60_000, { '/b': 3 }),
    lists: [{ metric: 'events', entries: [] }],
    totals: [{ startMs: 0, names: ['counted'], values: [5] }],
  });
  await sink.forget(owner('1'));
  expect(await redis.hgetall(paneKey(PAGES, PANE))).toEqual({ '11': '5', '11|/a': '2', rev: REV });
  expect(await redis.hgetall(paneKey(PAGES, PANE - 60_000))).toEqual({ rev: REV });
  expect(await redis.hgetall(singleKey('totals'))).toEqual({ rev: REV });
  await sink.write(owner('1'), change(0, PANE, { '/a': 1 }));
  expect(await redis.hget(paneKey(PAGES, PANE), '1|/a')).toBe('1');
});

test('a write is announced with what it wrote; a refused one is not', async () => {
  const subscriber = redis.duplicate();
  const messages: unknown[] = [];
  subscriber.on('message', (_channel, message) => messages.push(JSON.parse(message)));
  await subscriber.subscribe(LIVE_CHANNEL);
  await sink.write(owner('0'), change(8, PANE, { '/a': 4 }));
  await sink.write(owner('0'), change(7, PANE, { '/a': 3 }));
  await sink.write(owner('0'), change(9, PANE, { '/a': 5 }));
  await waitFor('two announcements', () => messages.length >= 2);
  subscriber.disconnect();
  expect(messages).toEqual([8, 9].map((version) => ({ metric: 'pages', partition: '0', version, windows: [PANE] })));
});

test('any writes in any order end as a model of the fence says', async () => {
  const write = fc.record({
    partition: fc.constantFrom('0', '1'),
    epoch: fc.integer({ min: 1, max: 4 }),
    claims: fc.boolean(),
    version: fc.nat(20),
    pane: fc.nat(2),
    values: fc.dictionary(fc.constantFrom('/a', '/b|c', '', 'rev'), fc.nat(3), { minKeys: 1 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(write, { maxLength: 15 }), async (writes) => {
      await redis.flushall();
      const model = new Map<string, string>();
      const owners = new Map<string, number>();
      for (const { partition, epoch, claims, version, pane, values } of writes) {
        const highest = owners.get(partition) ?? 0;
        owners.set(partition, Math.max(highest, epoch));
        if (claims) {
          expect(await sink.claim(owner(partition, epoch))).toBe(Math.max(highest, epoch));
          continue;
        }
        const written = sink.write(owner(partition, epoch), change(version, PANE + pane * 60_000, values));
        if (highest > epoch) {
          await expect(written).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED', facts: { epoch, by: highest } });
          continue;
        }
        await written;
        if (Number(model.get(`${pane} ${partition}`) ?? -1) > version) continue;
        model.set(`${pane} ${partition}`, String(version));
        for (const [name, value] of Object.entries(values)) {
          if (value === 0) model.delete(`${pane} ${partition}|${name}`);
          else model.set(`${pane} ${partition}|${name}`, String(value));
        }
      }
      const actual = new Map<string, string>();
      for (const pane of [0, 1, 2]) {
        for (const [field, value] of Object.entries(await redis.hgetall(paneKey(PAGES, PANE + pane * 60_000)))) {
          if (field !== 'rev') actual.set(`${pane} ${field}`, value);
        }
      }
      expect(actual).toEqual(model);
    }),
    { numRuns: 60 },
  );
});
