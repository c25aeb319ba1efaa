import { expect, test } from 'vitest';
import { aggregateOf } from '../../../src/shared/aggregates/index.js';
import { paneKey } from '../../../src/shared/live-keys.js';
import { descriptionOf } from '../../aggregators/driver.js';
import { waitFor } from '../../helpers/wait.js';
import { createLiveRig, MINUTE, NOW, PANE } from './rig.js';

const rig = createLiveRig();

test('an empty store gives figures of zero, with every pane of the series', async () => {
  const figures = await rig.source.read();
  expect(figures.asOf).toBe(new Date(NOW).toISOString());
  expect(figures.visitors.total).toBe(0);
  expect(figures.visitors.series).toHaveLength(15);
  expect(figures.visitors.series[0]).toEqual({ start: '2099-01-01T11:46:00.000Z', visitors: 0, pageViews: 0 });
  expect(figures.visitors.series[14]?.start).toBe('2099-01-01T12:00:00.000Z');
  expect(figures.devices).toEqual({ total: 0, byType: {} });
  expect([figures.pages, figures.categories, figures.visitorsLatest, figures.events]).toEqual([[], [], [], []]);
});

test('the partitions are added up, and each figure looks back as far as it says', async () => {
  await rig.write('0', 'visitors', {
    [PANE]: { visitors: 3, pageViews: 7, newest: 3 },
    [PANE - 9 * MINUTE]: { newest: 1 },
    [PANE - 14 * MINUTE]: { visitors: 5, pageViews: 5, newest: 4 },
    [PANE - 15 * MINUTE]: { visitors: 9, pageViews: 9, newest: 9 },
  });
  await rig.write('1', 'visitors', { [PANE]: { visitors: 2, pageViews: 2, newest: 2 } });
  await rig.write('0', 'devices', {
    [PANE]: { mobile: 2 },
    [PANE - 9 * MINUTE]: { desktop: 1 },
    [PANE - 10 * MINUTE]: { desktop: 50 },
  });
  await rig.write('1', 'devices', { [PANE]: { mobile: 1 } });
  await rig.write('0', 'categories', { [PANE - 59 * MINUTE]: { shoes: 2 }, [PANE - 60 * MINUTE]: { shoes: 50 } });
  const figures = await rig.source.read();
  expect(figures.visitors.series.at(-1)).toEqual({ start: '2099-01-01T12:00:00.000Z', visitors: 5, pageViews: 9 });
  expect(figures.visitors.series[0]).toMatchObject({ visitors: 5, pageViews: 5 });
  expect(figures.visitors.total).toBe(10);
  expect(figures.devices).toEqual({ total: 6, byType: { mobile: 3, desktop: 1 } });
  expect(figures.categories).toEqual([{ category: 'shoes', views: 2 }]);
});

test('sessions are shown by the half hour of their start, and open ones by their newest event', async () => {
  const half = Date.UTC(2099, 0, 1, 12, 0, 0);
  await rig.write('0', 'sessions', {
    [half]: { sessions: 2 },
    [half - 15 * 30 * MINUTE]: { sessions: 5 },
    [half - 16 * 30 * MINUTE]: { sessions: 9 },
  });
  await rig.write('1', 'sessions', { [half]: { sessions: 1 } });
  await rig.write('0', 'visitors', {
    [PANE]: { newest: 1 },
    [PANE - 29 * MINUTE]: { newest: 2 },
    [PANE - 30 * MINUTE]: { newest: 4 },
  });
  const { sessions, visitors } = await rig.source.read();
  expect(sessions.open).toBe(3);
  expect(visitors.total).toBe(1);
  expect(sessions.series).toHaveLength(16);
  expect(sessions.series[0]).toEqual({ start: '2099-01-01T04:30:00.000Z', sessions: 5 });
  expect(sessions.series[15]).toEqual({ start: '2099-01-01T12:00:00.000Z', sessions: 3 });
});

test('what is written to an older copy that is back is read, as often as it was written before and after', async () => {
  const viewsNow = async () => (await rig.readAnew()).pages[0]?.views;
  const key = paneKey(descriptionOf('pages'), PANE);
  await rig.write('0', 'pages', { [PANE]: { '/': 1 } });
  expect(await viewsNow()).toBe(1);
  const older = await rig.redis.dumpBuffer(key);
  await rig.write('0', 'pages', { [PANE]: { '/': 2 } });
  expect(await viewsNow()).toBe(2);
  await rig.redis.restore(key, 0, older, 'REPLACE');
  await rig.write('0', 'pages', { [PANE]: { '/': 3 } });
  expect(await viewsNow()).toBe(3);
});

test('a value that is none of its metric costs no other: another version may have written it', async () => {
  await rig.write('0', 'revenue', { [PANE]: { EUR: 'Infinity', SEK: '20000' } });
  await rig.write('1', 'revenue', { [PANE]: { EUR: '50000' } });
  const { values } = (await rig.source.read()).metrics['revenue'] ?? {};
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
    await rig.sink.write({ partition, epoch: 1 }, { position, panes, lists: [], totals: [] });
  }
  const { sessions, metrics } = await rig.source.read();
  const start = new Date(half).toISOString();
  expect(sessions.series.slice(-2)).toEqual([
    { start: new Date(half - 30 * MINUTE).toISOString(), sessions: 0 },
    { start, sessions: 4, revision: 6 },
  ]);
  expect(metrics['funnel']?.series.at(-1)).toEqual({ start, values: { view: 2 }, revision: 3 });
  const url = `/api/metrics/sessions?from=${start}&to=${new Date(NOW).toISOString()}`;
  expect((await rig.app.inject(url)).json()).toEqual({
    metric: 'sessions',
    panes: [{ start, values: { sessions: 4 }, revision: 6 }],
  });
});

test('visitors beyond those that are kept apart are added, each once over several panes', async () => {
  await rig.write('0', 'visitors', { [PANE]: { visitors: 3, newest: 3 } });
  const { add, create, encode } = aggregateOf('distinct');
  const beyond = (...names: string[]) => ({
    all: encode(names.reduce<unknown>((state, name) => add(state, name, 0), create())),
  });
  await rig.write('0', 'visitorsBeyond', { [PANE]: beyond('x', 'y'), [PANE - MINUTE]: beyond('x') });
  const { visitors, devices, sessions } = await rig.source.read();
  expect([visitors.total, devices.total, sessions.open]).toEqual([5, 5, 5]);
  expect(visitors.series.slice(-2).map((pane) => pane.visitors)).toEqual([1, 5]);
});

test('the top pages are those of all partitions together', async () => {
  const pages = (from: number) =>
    Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`/${index}`, from + index]));
  await rig.write('0', 'pages', { [PANE]: { ...pages(1), '/split': 9 } });
  await rig.write('1', 'pages', { [PANE - 30 * MINUTE]: { '/split': 9 } });
  const { pages: top } = await rig.source.read();
  expect(top).toHaveLength(10);
  expect(top.slice(0, 3)).toEqual([
    { path: '/split', views: 18 },
    { path: '/11', views: 12 },
    { path: '/10', views: 11 },
  ]);
});

test('the newest entries of all partitions are merged by time', async () => {
  const entry = (id: string, timeMs: number) => ({ key: id, timeMs, entry: { id } });
  await rig.write('0', 'visitors', {}, [{ metric: 'events', entries: [entry('c', 3), entry('a', 1)] }]);
  await rig.write('1', 'visitors', {}, [{ metric: 'events', entries: [entry('b', 2)] }]);
  const { events } = await rig.source.read();
  expect(events.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
});

test('a read within 100 ms is the same reading; a later one sees every change, and what is gone', async () => {
  await rig.write('0', 'pages', { [PANE]: { '/a': 1 }, [PANE - MINUTE]: { '/b': 1 } });
  const first = await rig.source.read();
  await rig.write('0', 'pages', { [PANE]: { '/a': 2 } });
  expect(await rig.source.read()).toBe(first);
  expect((await rig.readAnew()).pages).toEqual([
    { path: '/a', views: 2 },
    { path: '/b', views: 1 },
  ]);
  await rig.redis.flushall();
  expect((await rig.readAnew()).pages).toEqual([]);
});

test('as the minutes pass, panes leave the figures without anything being written', async () => {
  await rig.write('0', 'visitors', { [PANE]: { visitors: 1, pageViews: 1, newest: 1 } });
  expect((await rig.source.read()).visitors.total).toBe(1);
  rig.clock.advance(14 * MINUTE);
  expect((await rig.source.read()).visitors.total).toBe(1);
  rig.clock.advance(MINUTE);
  expect((await rig.source.read()).visitors.total).toBe(0);
});

test('subscribers are told of a write, once for many, and again after the connection came back', async () => {
  let calls = 0;
  let views = 0;
  const unsubscribe = rig.source.subscribe(() => calls++);
  const told = (count: number) =>
    waitFor(`call ${count}`, () => {
      rig.clock.advance(50);
      return calls >= count;
    });
  await told(1);
  await waitFor('a subscription', async () => {
    await rig.write('0', 'pages', { [PANE]: { '/a': ++views } });
    rig.clock.advance(50);
    return calls >= 2;
  });
  const before = calls;
  await rig.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await told(before + 1);
  unsubscribe();
  rig.clock.advance(50);
  const after = calls;
  await rig.write('0', 'pages', { [PANE]: { '/a': 9 } });
  rig.clock.advance(50);
  expect(calls).toBe(after);
});

test('who is told of a change reads it, also when somebody else has read the moment before', async () => {
  const seen: Promise<number | undefined>[] = [];
  const unsubscribe = rig.source.subscribe(() => {
    seen.push(rig.source.read().then(({ pages }) => pages[0]?.views));
  });
  await waitFor('a subscription', async () => {
    await rig.write('0', 'pages', { [PANE]: { '/a': 1 } });
    rig.clock.advance(50);
    return seen.length > 1;
  });
  await waitFor('the words of all that', async () => {
    const before = seen.length;
    rig.clock.advance(100);
    await seen.at(-1);
    return rig.clock.pending === 0 && seen.length === before;
  });
  // It is kept for 100 ms, and the word of the write comes after 50.
  rig.clock.advance(100);
  expect((await rig.source.read()).pages[0]?.views).toBe(1);
  await rig.write('0', 'pages', { [PANE]: { '/a': 2 } });
  await waitFor('the word of it', () => rig.clock.pending > 0);
  rig.clock.advance(50);
  expect(await seen.at(-1)).toBe(2);
  unsubscribe();
});

test('a metric that the aggregators announce is read and merged without being known here', async () => {
  await rig.write('0', 'countries', { [PANE]: { DE: 2, AT: 1 } });
  await rig.write('1', 'countries', { [PANE - 59 * MINUTE]: { DE: 3 }, [PANE - 60 * MINUTE]: { DE: 50 } });
  await rig.write('0', 'revenue', { [PANE]: { EUR: '1234500' } });
  await rig.write('1', 'revenue', { [PANE]: { EUR: '5500' } });
  await rig.write('0', 'ingestionDelay', { [PANE]: { all: '3;0:1' } });
  await rig.write('1', 'ingestionDelay', { [PANE]: { all: '0;0:2' } });
  const { metrics } = await rig.source.read();
  expect(metrics['countries']?.values).toEqual([
    { key: 'DE', value: 5 },
    { key: 'AT', value: 1 },
  ]);
  expect(metrics['revenue']?.series.at(-1)).toEqual({ start: '2099-01-01T12:00:00.000Z', values: { EUR: 124 } });
  expect(metrics['ingestionDelay']?.values).toMatchObject([{ key: 'all', value: { count: 6, p50: 0 } }]);
  expect((await rig.app.inject('/api/metrics')).json()).toContainEqual(
    expect.objectContaining({ name: 'revenue', aggregate: 'sum', paneMs: MINUTE }),
  );
});
