import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRedisSink, type LiveSink } from '../../../src/aggregators/sink/redis-sink.js';
import type { StateChanges } from '../../../src/aggregators/state/changes.js';
import { createLiveStore } from '../../../src/query/live/store.js';
import { decodeLateEntry, type LateEvent, lateEntryId } from '../../../src/shared/late-events.js';
import {
  CATALOGUE_KEY,
  LIVE_CHANNEL,
  lateStreamKey,
  PANE_RETENTION_MS,
  paneExpiriesKey,
  paneIndexKey,
  paneKey,
  singleKey,
} from '../../../src/shared/live-keys.js';
import { createLogger } from '../../../src/shared/logger.js';
import { startProxy } from '../../helpers/proxy.js';
import { startTestRedis, type TestRedis } from '../../helpers/redis.js';
import { waitFor } from '../../helpers/wait.js';
import { descriptionOf } from '../driver.js';
import { createSinkModel } from './model.js';

/** It is another after each write, and never one that was before. */
const REV = expect.stringMatching(/^\d{16,}$/);

let server: TestRedis;
let redis: Redis;
let sink: LiveSink;

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url);
  sink = createRedisSink(server.url, createLogger('test', 'silent'));
  await sink.ready(10_000);
});
afterAll(async () => {
  await sink.close();
  redis.disconnect();
  await server.stop();
});
beforeEach(() => redis.flushall());

const PAGES = descriptionOf('pages');
const NOW = Date.now();
const PANE = NOW - (NOW % 60_000);

const owner = (partition: string, epoch = 1, hubCreatedAtMs?: number) => ({ partition, epoch, hubCreatedAtMs });

function change(sequenceNumber: number, startMs: number, values: Record<string, number>): StateChanges {
  const changes = [{ startMs, names: Object.keys(values), values: Object.values(values) }];
  return {
    position: { sequenceNumber, offset: '', enqueuedAtMs: NOW },
    panes: [{ metric: PAGES, changes }],
    lists: [],
    totals: [],
  };
}

const health = (sequenceNumber: number) => ({
  ...{ sequenceNumber, watermark: null, appliedAt: '', savedAt: null },
  ...{ offersWaiting: 0, offersGivenUp: 0, idsRememberedMs: null, stopped: null, unsaved: null },
});

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

const lateEvent = (sequenceNumber: number, index = 0): LateEvent => ({
  sequenceNumber,
  index,
  id: `e${sequenceNumber}.${index}`,
  type: 'page_view',
  timeMs: PANE,
  enqueuedAtMs: NOW,
  behindMs: 5_000,
  metrics: { pages: PANE },
});
const withLate = (sequenceNumber: number, events: LateEvent[], after?: LateEvent): StateChanges => ({
  ...change(sequenceNumber, PANE, {}),
  panes: [],
  late: { after, events },
});
const streamOf = (partition: string) => redis.xrange(lateStreamKey(partition), '-', '+');

test('a late event is an entry of the stream of its partition, under its position, with what it takes to find it', async () => {
  await sink.write(owner('3'), withLate(7, [lateEvent(0), lateEvent(7, 12)]));
  const entries = (await streamOf('3')).map(([id, flat]) => [id, decodeLateEntry('3', [id, flat])]);
  const shown = {
    partition: '3',
    type: 'page_view',
    time: new Date(PANE).toISOString(),
    enqueuedAt: new Date(NOW).toISOString(),
    behindMs: 5_000,
    metrics: { pages: new Date(PANE).toISOString() },
  };
  expect(entries).toEqual([
    ['0-1', { ...shown, sequenceNumber: 0, index: 0, id: 'e0.0' }],
    ['7-13', { ...shown, sequenceNumber: 7, index: 12, id: 'e7.12' }],
  ]);
});

test('the stream of a partition keeps about the newest 10,000', async () => {
  const events = Array.from({ length: 12_000 }, (_, index) => lateEvent(9, index));
  for (let at = 0; at < events.length; at += 4_000) {
    await sink.write(owner('0'), withLate(9, events.slice(at, at + 4_000), events[at - 1]));
  }
  const length = await redis.xlen(lateStreamKey('0'));
  expect(length).toBeGreaterThanOrEqual(10_000);
  expect(length).toBeLessThan(11_000);
  expect((await streamOf('0')).at(-1)?.[0]).toBe('9-12000');
});

test('a partition that is forgotten has no late events, and its numbers may begin anew', async () => {
  await sink.write(owner('0'), withLate(9, [lateEvent(9)]));
  await sink.write(owner('1'), withLate(9, [lateEvent(9)]));
  await sink.forget(owner('0'));
  await sink.write(owner('0'), withLate(2, [lateEvent(2)]));
  expect((await streamOf('0')).map(([id]) => id)).toEqual(['2-1']);
  expect((await streamOf('1')).map(([id]) => id)).toEqual(['9-1']);
});

/** A pane, the totals and a late event: what tells which partitions there are, and how far. */
const all = (sequenceNumber: number): StateChanges => ({
  ...withLate(sequenceNumber, [lateEvent(sequenceNumber)]),
  panes: change(sequenceNumber, PANE, { '/a': 3 }).panes,
  lists: [{ metric: 'events', entries: [1] }],
  totals: [{ startMs: 0, names: ['counted'], values: [1] }],
});

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

test('late events that follow one that Redis lost are not added before all that are kept are offered again', async () => {
  let recovered = 0;
  const stop = sink.onRecovered(() => recovered++);
  await sink.claim(owner('0'));
  await sink.write(owner('0'), withLate(9, [lateEvent(8)]));
  await redis.flushall();
  await sink.write(owner('0'), withLate(9, [lateEvent(9)], lateEvent(8)));
  expect(recovered).toBe(1);
  await sink.write(owner('0'), withLate(9, [lateEvent(8), lateEvent(9)]));
  stop();
  expect(recovered).toBe(1);
  expect((await streamOf('0')).map(([id]) => id)).toEqual(['8-1', '9-1']);
});

test('any late events of any owners, offered in any order, end as a model of the stream says', async () => {
  const offer = fc.record({
    partition: fc.constantFrom('0', '1'),
    epoch: fc.integer({ min: 1, max: 3 }),
    after: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
    from: fc.nat(20),
    count: fc.nat(6),
    lost: fc.constantFrom(false, false, false, false, true),
  });
  const all = Array.from({ length: 26 }, (_, at) => lateEvent(Math.floor(at / 3), at % 3));
  await fc.assert(
    fc.asyncProperty(fc.array(offer, { maxLength: 12 }), async (offers) => {
      await redis.flushall();
      const model = createSinkModel();
      for (const { partition, epoch, after, from, count, lost } of offers) {
        if (lost) {
          await redis.flushall();
          model.clear();
        }
        const change = { after: after === undefined ? undefined : all[after], events: all.slice(from, from + count) };
        if (count === 0) continue;
        const [by] = model.addLate(owner(partition, epoch), change);
        const written = sink.write(owner(partition, epoch), withLate(30, change.events, change.after));
        if (by > epoch) await expect(written).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED' });
        else await written;
      }
      for (const partition of ['0', '1']) {
        const ids = (await streamOf(partition)).map(([id]) => id);
        expect(ids).toEqual((model.late.get(partition) ?? []).map(lateEntryId));
      }
    }),
    { numRuns: 60 },
  );
});

test('a Redis that was emptied is noticed by the next write to it, though the connection stayed', async () => {
  let noticed = 0;
  const stop = sink.onRecovered(() => noticed++);
  await sink.claim(owner('0'));
  await sink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  await sink.write(owner('0'), change(2, PANE, { '/a': 2 }));
  expect(noticed).toBe(0);
  await redis.flushall();
  await sink.write(owner('0'), change(3, PANE + 60_000, { '/a': 1 }));
  expect(noticed).toBe(1);
  await sink.write(owner('0'), change(4, PANE, { '/a': 3 }));
  stop();
  expect(noticed).toBe(1);
});

test.each([
  ['this owner', 2],
  ['a former owner', 1],
])('a Redis that went back to an older copy, of %s, is noticed', async (_, epoch) => {
  let noticed = 0;
  const stop = sink.onRecovered(() => noticed++);
  await sink.claim(owner('0', epoch));
  await sink.write(owner('0', epoch), change(epoch === 2 ? 5 : 50, PANE, { '/a': 1 }));
  const keys = await redis.keys('*');
  const copies = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  await sink.claim(owner('0', 2));
  await sink.write(owner('0', 2), change(6, PANE, { '/a': 2 }));
  expect(noticed).toBe(0);
  await redis.flushall();
  for (const [index, key] of keys.entries()) await redis.restore(key, 0, copies[index] as Buffer);
  await sink.write(owner('0', 2), change(7, PANE + 60_000, { '/a': 1 }));
  stop();
  expect(noticed).toBe(1);
});

test('a reader does not take a pane that was written anew for the one that it has', async () => {
  const store = createLiveStore(redis);
  const read = async () => (await store.readPanes(PAGES, [PANE])).get(PANE)?.values.get('/a');
  await sink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  expect(await read()).toBe(1);
  await redis.flushall();
  await sink.write(owner('0'), change(2, PANE, { '/a': 2 }));
  expect(await read()).toBe(2);
});

test('a restarted Redis is noticed, and a write that fails says so at once', async () => {
  const other = await startTestRedis();
  const ownSink = createRedisSink(other.url, createLogger('test', 'silent'));
  await ownSink.ready(10_000);
  let recovered = 0;
  ownSink.onRecovered(() => recovered++);
  const connection = new Redis(other.url);
  await connection.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await waitFor('the reconnect', () => recovered === 1);
  await ownSink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  connection.disconnect();
  await other.kill();
  await expect(ownSink.write(owner('0'), change(2, PANE, { '/a': 2 }))).rejects.toThrow();
  await ownSink.close();
  await other.stop();
});

test('a Redis that becomes a replica and keeps its connections is left for the one that took its place, which gets everything', async () => {
  const [former, next] = await Promise.all([startTestRedis(), startTestRedis()]);
  const portOf = ({ url }: TestRedis) => Number(new URL(url).port);
  const [formerRedis, nextRedis] = [new Redis(former.url), new Redis(next.url)];
  const follow = async (replica: Redis, of: TestRedis) => {
    await replica.config('SET', 'masterauth', decodeURIComponent(new URL(of.url).password));
    await replica.replicaof('127.0.0.1', portOf(of));
    await waitFor('the replica', async () => (await replica.info('replication')).includes('master_link_status:up'));
  };
  await follow(nextRedis, former);
  const proxy = await startProxy(portOf(former));
  const url = new URL(former.url);
  url.port = String(proxy.port);
  const ownSink = createRedisSink(url.href, createLogger('test', 'silent'));
  await ownSink.ready(10_000);
  await ownSink.claim(owner('0'));
  await ownSink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  let recovered = 0;
  ownSink.onRecovered(() => recovered++);

  await waitFor('replication', async () => (await nextRedis.exists(paneKey(PAGES, PANE))) === 1);
  await nextRedis.replicaof('NO', 'ONE');
  proxy.retarget(portOf(next));
  await follow(formerRedis, next);
  await expect(ownSink.write(owner('0'), change(2, PANE, { '/a': 2, '/b': 1 }))).rejects.toThrow();
  await waitFor('the reconnect', () => recovered > 0);
  await ownSink.write(owner('0'), change(2, PANE, { '/a': 2, '/b': 1 }));
  const read = async () => (await createLiveStore(nextRedis).readPanes(PAGES, [PANE])).get(PANE)?.values;
  expect(Object.fromEntries((await read()) ?? [])).toEqual({ '/a': 2, '/b': 1 });

  await ownSink.close();
  for (const connection of [formerRedis, nextRedis]) connection.disconnect();
  await proxy.stop();
  await Promise.all([former.stop(), next.stop()]);
});

test('metrics that could not be announced, because Redis was full, are announced with the next write', async () => {
  const other = await startTestRedis();
  const lines: string[] = [];
  const logger = createLogger('test', 'warn', { write: (line: string) => void lines.push(line) });
  const ownSink = createRedisSink(other.url, logger);
  await ownSink.ready(10_000);
  const connection = new Redis(other.url);
  await connection.flushall();
  await connection.config('SET', 'maxmemory', '1');
  await connection.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await waitFor('the announcement to fail', () => lines.some((line) => line.includes('could not be announced')));
  await connection.config('SET', 'maxmemory', '0');
  await ownSink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  await waitFor('the announcement', async () => (await connection.hexists(CATALOGUE_KEY, PAGES.name)) === 1);
  connection.disconnect();
  await ownSink.close();
  await other.stop();
});
