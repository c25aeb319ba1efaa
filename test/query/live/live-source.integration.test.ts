import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRedisSink, type LiveSink } from '../../../src/aggregators/index.js';
import type { StateChanges } from '../../../src/aggregators/state/changes.js';
import {
  connectLiveRedis,
  createLiveSource,
  type LiveFiguresSource,
  type LiveRedis,
  liveRoutes,
} from '../../../src/query/index.js';
import { aggregateOf } from '../../../src/shared/aggregates/index.js';
import type { LateEvent, ShownLateEvent } from '../../../src/shared/late-events.js';
import { paneKey } from '../../../src/shared/live-keys.js';
import { createLogger } from '../../../src/shared/logger.js';
import { descriptionOf } from '../../aggregators/driver.js';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js';
import { startTestRedis, type TestRedis } from '../../helpers/redis.js';
import { waitFor } from '../../helpers/wait.js';

const MINUTE = 60_000;
const NOW = Date.UTC(2099, 0, 1, 12, 0, 30);
const PANE = Date.UTC(2099, 0, 1, 12, 0, 0);

let server: TestRedis;
let redis: LiveRedis;
let sink: LiveSink;
let clock: ManualClock;
let source: LiveFiguresSource;
let app: FastifyInstance;
let version = 0;

beforeAll(async () => {
  server = await startTestRedis();
  redis = connectLiveRedis(server.url);
  sink = createRedisSink(server.url, createLogger('test', 'silent'));
  await sink.ready(10_000);
});
afterAll(async () => {
  await sink.close();
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
  // It announces the metrics anew.
  await sink.ready(10_000);
  clock = createManualClock(NOW);
  source = createLiveSource(redis, clock);
  app = Fastify();
  await app.register(liveRoutes, { source });
  return async () => {
    source.close();
    await app.close();
  };
});

type Counters = Readonly<Record<string, number | string>>;

function write(
  partition: string,
  metric: string,
  panes: Readonly<Record<number, Counters>>,
  lists: StateChanges['lists'] = [],
) {
  const changes = Object.entries(panes).map(([startMs, values]) => ({
    startMs: Number(startMs),
    names: Object.keys(values),
    values: Object.values(values),
  }));
  const position = { sequenceNumber: version++, offset: '', enqueuedAtMs: NOW };
  return sink.write(
    { partition, epoch: 1 },
    { position, panes: [{ metric: descriptionOf(metric), changes }], lists, totals: [] },
  );
}

/** Reads past the cache. */
function readAnew() {
  clock.advance(100);
  return source.read();
}

test('an empty store gives figures of zero, with every pane of the series', async () => {
  const figures = await source.read();
  expect(figures.asOf).toBe(new Date(NOW).toISOString());
  expect(figures.visitors.total).toBe(0);
  expect(figures.visitors.series).toHaveLength(15);
  expect(figures.visitors.series[0]).toEqual({ start: '2099-01-01T11:46:00.000Z', visitors: 0, pageViews: 0 });
  expect(figures.visitors.series[14]?.start).toBe('2099-01-01T12:00:00.000Z');
  expect(figures.devices).toEqual({ total: 0, byType: {} });
  expect([figures.pages, figures.categories, figures.visitorsLatest, figures.events]).toEqual([[], [], [], []]);
});

test('the partitions are added up, and each figure looks back as far as it says', async () => {
  await write('0', 'visitors', {
    [PANE]: { visitors: 3, pageViews: 7, newest: 3 },
    [PANE - 9 * MINUTE]: { newest: 1 },
    [PANE - 14 * MINUTE]: { visitors: 5, pageViews: 5, newest: 4 },
    [PANE - 15 * MINUTE]: { visitors: 9, pageViews: 9, newest: 9 },
  });
  await write('1', 'visitors', { [PANE]: { visitors: 2, pageViews: 2, newest: 2 } });
  await write('0', 'devices', {
    [PANE]: { mobile: 2 },
    [PANE - 9 * MINUTE]: { desktop: 1 },
    [PANE - 10 * MINUTE]: { desktop: 50 },
  });
  await write('1', 'devices', { [PANE]: { mobile: 1 } });
  await write('0', 'categories', { [PANE - 59 * MINUTE]: { shoes: 2 }, [PANE - 60 * MINUTE]: { shoes: 50 } });
  const figures = await source.read();
  expect(figures.visitors.series.at(-1)).toEqual({ start: '2099-01-01T12:00:00.000Z', visitors: 5, pageViews: 9 });
  expect(figures.visitors.series[0]).toMatchObject({ visitors: 5, pageViews: 5 });
  expect(figures.visitors.total).toBe(10);
  expect(figures.devices).toEqual({ total: 6, byType: { mobile: 3, desktop: 1 } });
  expect(figures.categories).toEqual([{ category: 'shoes', views: 2 }]);
});

test('sessions are shown by the half hour of their start, and open ones by their newest event', async () => {
  const half = Date.UTC(2099, 0, 1, 12, 0, 0);
  await write('0', 'sessions', {
    [half]: { sessions: 2 },
    [half - 15 * 30 * MINUTE]: { sessions: 5 },
    [half - 16 * 30 * MINUTE]: { sessions: 9 },
  });
  await write('1', 'sessions', { [half]: { sessions: 1 } });
  await write('0', 'visitors', {
    [PANE]: { newest: 1 },
    [PANE - 29 * MINUTE]: { newest: 2 },
    [PANE - 30 * MINUTE]: { newest: 4 },
  });
  const { sessions, visitors } = await source.read();
  expect(sessions.open).toBe(3);
  expect(visitors.total).toBe(1);
  expect(sessions.series).toHaveLength(16);
  expect(sessions.series[0]).toEqual({ start: '2099-01-01T04:30:00.000Z', sessions: 5 });
  expect(sessions.series[15]).toEqual({ start: '2099-01-01T12:00:00.000Z', sessions: 3 });
});

test('what is written to an older copy that is back is read, as often as it was written before and after', async () => {
  const viewsNow = async () => (await readAnew()).pages[0]?.views;
  const key = paneKey(descriptionOf('pages'), PANE);
  await write('0', 'pages', { [PANE]: { '/': 1 } });
  expect(await viewsNow()).toBe(1);
  const older = await redis.dumpBuffer(key);
  await write('0', 'pages', { [PANE]: { '/': 2 } });
  expect(await viewsNow()).toBe(2);
  await redis.restore(key, 0, older, 'REPLACE');
  await write('0', 'pages', { [PANE]: { '/': 3 } });
  expect(await viewsNow()).toBe(3);
});

test('a value that is none of its metric costs no other: another version may have written it', async () => {
  await write('0', 'revenue', { [PANE]: { EUR: 'Infinity', SEK: '20000' } });
  await write('1', 'revenue', { [PANE]: { EUR: '50000' } });
  const { values } = (await source.read()).metrics['revenue'] ?? {};
  expect(values).toEqual([
    { key: 'EUR', value: 5 },
    { key: 'SEK', value: 2 },
  ]);
});

test('a pane in which something was taken back says how often, in the figures and by itself', async () => {
  const half = NOW - (NOW % (30 * MINUTE));
  const position = { sequenceNumber: 1, offset: '', enqueuedAtMs: NOW };
  for (const [partition, name] of [
    ['0', 'sessions'],
    ['1', 'sessions'],
    ['0', 'funnel'],
  ] as const) {
    const changes = [{ startMs: half, names: [name === 'funnel' ? 'view' : name], values: [2], revision: 3 }];
    const panes = [{ metric: descriptionOf(name), changes }];
    await sink.write({ partition, epoch: 1 }, { position, panes, lists: [], totals: [] });
  }
  const { sessions, metrics } = await source.read();
  const start = new Date(half).toISOString();
  expect(sessions.series.slice(-2)).toEqual([
    { start: new Date(half - 30 * MINUTE).toISOString(), sessions: 0 },
    { start, sessions: 4, revision: 6 },
  ]);
  expect(metrics['funnel']?.series.at(-1)).toEqual({ start, values: { view: 2 }, revision: 3 });
  const url = `/api/metrics/sessions?from=${start}&to=${new Date(NOW).toISOString()}`;
  expect((await app.inject(url)).json()).toEqual({
    metric: 'sessions',
    panes: [{ start, values: { sessions: 4 }, revision: 6 }],
  });
});

test('visitors beyond those that are kept apart are added, each once over several panes', async () => {
  await write('0', 'visitors', { [PANE]: { visitors: 3, newest: 3 } });
  const { add, create, encode } = aggregateOf('distinct');
  const beyond = (...names: string[]) => ({
    all: encode(names.reduce<unknown>((state, name) => add(state, name, 0), create())),
  });
  await write('0', 'visitorsBeyond', { [PANE]: beyond('x', 'y'), [PANE - MINUTE]: beyond('x') });
  const { visitors, devices, sessions } = await source.read();
  expect([visitors.total, devices.total, sessions.open]).toEqual([5, 5, 5]);
  expect(visitors.series.slice(-2).map((pane) => pane.visitors)).toEqual([1, 5]);
});

test('the top pages are those of all partitions together', async () => {
  const pages = (from: number) =>
    Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`/${index}`, from + index]));
  await write('0', 'pages', { [PANE]: { ...pages(1), '/split': 9 } });
  await write('1', 'pages', { [PANE - 30 * MINUTE]: { '/split': 9 } });
  const { pages: top } = await source.read();
  expect(top).toHaveLength(10);
  expect(top.slice(0, 3)).toEqual([
    { path: '/split', views: 18 },
    { path: '/11', views: 12 },
    { path: '/10', views: 11 },
  ]);
});

test('the newest entries of all partitions are merged by time', async () => {
  const entry = (id: string, timeMs: number) => ({ key: id, timeMs, entry: { id } });
  await write('0', 'visitors', {}, [{ metric: 'events', entries: [entry('c', 3), entry('a', 1)] }]);
  await write('1', 'visitors', {}, [{ metric: 'events', entries: [entry('b', 2)] }]);
  const { events } = await source.read();
  expect(events.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
});

test('a read within 100 ms is the same reading; a later one sees every change, and what is gone', async () => {
  await write('0', 'pages', { [PANE]: { '/a': 1 }, [PANE - MINUTE]: { '/b': 1 } });
  const first = await source.read();
  await write('0', 'pages', { [PANE]: { '/a': 2 } });
  expect(await source.read()).toBe(first);
  expect((await readAnew()).pages).toEqual([
    { path: '/a', views: 2 },
    { path: '/b', views: 1 },
  ]);
  await redis.flushall();
  expect((await readAnew()).pages).toEqual([]);
});

test('as the minutes pass, panes leave the figures without anything being written', async () => {
  await write('0', 'visitors', { [PANE]: { visitors: 1, pageViews: 1, newest: 1 } });
  expect((await source.read()).visitors.total).toBe(1);
  clock.advance(14 * MINUTE);
  expect((await source.read()).visitors.total).toBe(1);
  clock.advance(MINUTE);
  expect((await source.read()).visitors.total).toBe(0);
});

test('subscribers are told of a write, once for many, and again after the connection came back', async () => {
  let calls = 0;
  const unsubscribe = source.subscribe(() => calls++);
  const told = (count: number) =>
    waitFor(`call ${count}`, () => {
      clock.advance(50);
      return calls >= count;
    });
  await told(1);
  await waitFor('a subscription', async () => {
    await write('0', 'pages', { [PANE]: { '/a': version } });
    clock.advance(50);
    return calls >= 2;
  });
  const before = calls;
  await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await told(before + 1);
  unsubscribe();
  clock.advance(50);
  const after = calls;
  await write('0', 'pages', { [PANE]: { '/a': 9 } });
  clock.advance(50);
  expect(calls).toBe(after);
});

test('who is told of a change reads it, also when somebody else has read the moment before', async () => {
  const seen: Promise<number | undefined>[] = [];
  const unsubscribe = source.subscribe(() => {
    seen.push(source.read().then(({ pages }) => pages[0]?.views));
  });
  await waitFor('a subscription', async () => {
    await write('0', 'pages', { [PANE]: { '/a': 1 } });
    clock.advance(50);
    return seen.length > 1;
  });
  await waitFor('the words of all that', async () => {
    const before = seen.length;
    clock.advance(100);
    await seen.at(-1);
    return clock.pending === 0 && seen.length === before;
  });
  // It is kept for 100 ms, and the word of the write comes after 50.
  clock.advance(100);
  expect((await source.read()).pages[0]?.views).toBe(1);
  await write('0', 'pages', { [PANE]: { '/a': 2 } });
  await waitFor('the word of it', () => clock.pending > 0);
  clock.advance(50);
  expect(await seen.at(-1)).toBe(2);
  unsubscribe();
});

test('a metric that the aggregators announce is read and merged without being known here', async () => {
  await write('0', 'countries', { [PANE]: { DE: 2, AT: 1 } });
  await write('1', 'countries', { [PANE - 59 * MINUTE]: { DE: 3 }, [PANE - 60 * MINUTE]: { DE: 50 } });
  await write('0', 'revenue', { [PANE]: { EUR: '1234500' } });
  await write('1', 'revenue', { [PANE]: { EUR: '5500' } });
  await write('0', 'ingestionDelay', { [PANE]: { all: '3;0:1' } });
  await write('1', 'ingestionDelay', { [PANE]: { all: '0;0:2' } });
  const { metrics } = await source.read();
  expect(metrics['countries']?.values).toEqual([
    { key: 'DE', value: 5 },
    { key: 'AT', value: 1 },
  ]);
  expect(metrics['revenue']?.series.at(-1)).toEqual({ start: '2099-01-01T12:00:00.000Z', values: { EUR: 124 } });
  expect(metrics['ingestionDelay']?.values).toMatchObject([{ key: 'all', value: { count: 6, p50: 0 } }]);
  expect((await app.inject('/api/metrics')).json()).toContainEqual(
    expect.objectContaining({ name: 'revenue', aggregate: 'sum', paneMs: MINUTE }),
  );
});

test('GET /api/live gives the figures', async () => {
  const response = await app.inject('/api/live');
  expect(response.statusCode).toBe(200);
  expect(response.json().visitors.series).toHaveLength(15);
});

test('GET /api/metrics gives all retained panes of a time range, oldest first', async () => {
  const old = Date.UTC(2015, 4, 17, 10, 5);
  await write('0', 'pages', { [old + MINUTE]: { '/b': 2 }, [old]: { '/a': 1 }, [old + 2 * MINUTE]: { '/c': 3 } });
  await write('1', 'pages', { [old]: { '/a': 4 } });
  const response = await app.inject(`/api/metrics/pages?from=2015-05-17T10:05:00Z&to=2015-05-17T12:07:00%2B02:00`);
  expect(response.json()).toEqual({
    metric: 'pages',
    panes: [
      { start: '2015-05-17T10:05:00.000Z', values: { '/a': 5 } },
      { start: '2015-05-17T10:06:00.000Z', values: { '/b': 2 } },
    ],
  });
});

test('GET /api/metrics adds the minutes of a step up, and gives the largest names of each', async () => {
  const old = Date.UTC(2014, 4, 17, 10, 0);
  await write('0', 'pages', { [old]: { '/a': 1, '/b': 9 }, [old + 9 * MINUTE]: { '/c': 3, '/b': 1 } });
  await write('1', 'pages', { [old + 10 * MINUTE]: { '/d': 4 } });
  const query = 'from=2014-05-17T10:00:00Z&to=2014-05-17T11:00:00Z&step=10&top=2';
  const response = await app.inject(`/api/metrics/pages?${query}`);
  expect(response.json().panes).toEqual([
    { start: '2014-05-17T10:00:00.000Z', values: { '/b': 10, '/c': 3 } },
    { start: '2014-05-17T10:10:00.000Z', values: { '/d': 4 } },
  ]);
});

test('GET /api/metrics of several days gives every pane', async () => {
  const panes = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, index) => [PANE - index * MINUTE, { pageViews: 1 }]),
  );
  await write('0', 'visitors', panes);
  const readings = await source.readPanes('visitors', PANE - 3_000 * MINUTE, PANE + MINUTE);
  expect(readings).toHaveLength(2_000);
});

test('GET /api/late gives the totals, and the newest late events of all partitions as they reached the hub', async () => {
  const late = (sequenceNumber: number, enqueuedAtMs: number): LateEvent => ({
    sequenceNumber,
    index: 2,
    id: `e${sequenceNumber}`,
    type: 'page_view',
    timeMs: PANE - 120 * MINUTE,
    enqueuedAtMs,
    behindMs: 120 * MINUTE,
    metrics: { pages: PANE - 120 * MINUTE },
  });
  const position = { sequenceNumber: 1_000, offset: '', enqueuedAtMs: NOW };
  const totals = [{ startMs: 0, names: ['counted', 'late'], values: [3, 60] }];
  await sink.write({ partition: '0', epoch: 1 }, { position, panes: [], lists: [], totals });
  expect((await app.inject('/api/late')).json()).toEqual({ counted: 3, late: 60, newest: [] });
  for (const partition of [0, 1]) {
    const events = Array.from({ length: 60 }, (_, at) => late(at, NOW + 2 * at + partition));
    const changes = { position, panes: [], lists: [], totals: [], late: { after: undefined, events } };
    await sink.write({ partition: String(partition), epoch: 1 }, changes);
  }
  const { newest } = (await app.inject('/api/late')).json<{ newest: ShownLateEvent[] }>();
  expect(newest).toHaveLength(100);
  expect(newest.slice(0, 3).map(({ partition, sequenceNumber }) => `${partition} ${sequenceNumber}`)).toEqual([
    '1 59',
    '0 59',
    '1 58',
  ]);
  expect(newest[0]).toEqual({
    partition: '1',
    sequenceNumber: 59,
    index: 2,
    id: 'e59',
    type: 'page_view',
    time: '2099-01-01T10:00:00.000Z',
    enqueuedAt: new Date(NOW + 119).toISOString(),
    behindMs: 120 * MINUTE,
    metrics: { pages: '2099-01-01T10:00:00.000Z' },
  });
});

test('a wrong query is a problem that names the parameter', async () => {
  for (const [url, path] of [
    ['/api/metrics/nothing?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z', 'metric'],
    ['/api/metrics/pages', 'query.from'],
    ['/api/metrics/pages?from=yesterday&to=2026-01-02T00:00:00Z', 'query.from'],
    ['/api/metrics/pages?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'query'],
    ['/api/metrics/pages?from=2020-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'query'],
    ['/api/metrics/pages?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&limit=1', 'query'],
    ['/api/metrics/pages?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&step=0', 'query.step'],
    ['/api/metrics/pages?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&step=1.5', 'query.step'],
    ['/api/metrics/pages?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&top=1e9', 'query.top'],
  ] as const) {
    const response = await app.inject(url);
    expect(response.statusCode, url).toBe(400);
    expect(response.headers['content-type']).toMatch('application/problem+json');
    expect(response.json().detail, url).toContain(`${path}:`);
  }
  const { detail } = (await app.inject('/api/metrics/pages')).json();
  expect(detail).toBe('query.from: must be a time such as 2026-01-01T00:00:00Z');
});

test('while Redis is away the answer is 503, and the figures are back when it is', async () => {
  const other = await startTestRedis();
  const ownRedis = connectLiveRedis(other.url);
  const ownSource = createLiveSource(ownRedis, clock);
  await ownSource.read();
  const ownApp = Fastify();
  await ownApp.register(liveRoutes, { source: ownSource });
  await other.kill();
  clock.advance(100);
  const response = await ownApp.inject('/api/live');
  expect(response.statusCode).toBe(503);
  expect(response.json().code).toBe('PS_QUERY_UNAVAILABLE');
  await ownApp.close();
  ownSource.close();
  ownRedis.disconnect();
  await other.stop();
});
