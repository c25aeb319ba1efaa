import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { connectLiveRedis, createLiveSource, liveRoutes } from '../../../src/query/index.js';
import type { LateEvent, ShownLateEvent } from '../../../src/shared/late-events.js';
import { startTestRedis } from '../../helpers/redis.js';
import { createLiveRig, MINUTE, NOW, PANE } from './rig.js';

const rig = createLiveRig();

test('GET /api/live gives the figures', async () => {
  const response = await rig.app.inject('/api/live');
  expect(response.statusCode).toBe(200);
  expect(response.json().visitors.series).toHaveLength(15);
});

test('GET /api/metrics gives all retained panes of a time range, oldest first', async () => {
  const old = Date.UTC(2015, 4, 17, 10, 5);
  await rig.write('0', 'pages', { [old + MINUTE]: { '/b': 2 }, [old]: { '/a': 1 }, [old + 2 * MINUTE]: { '/c': 3 } });
  await rig.write('1', 'pages', { [old]: { '/a': 4 } });
  const response = await rig.app.inject(`/api/metrics/pages?from=2015-05-17T10:05:00Z&to=2015-05-17T12:07:00%2B02:00`);
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
  await rig.write('0', 'pages', { [old]: { '/a': 1, '/b': 9 }, [old + 9 * MINUTE]: { '/c': 3, '/b': 1 } });
  await rig.write('1', 'pages', { [old + 10 * MINUTE]: { '/d': 4 } });
  const query = 'from=2014-05-17T10:00:00Z&to=2014-05-17T11:00:00Z&step=10&top=2';
  const response = await rig.app.inject(`/api/metrics/pages?${query}`);
  expect(response.json().panes).toEqual([
    { start: '2014-05-17T10:00:00.000Z', values: { '/b': 10, '/c': 3 } },
    { start: '2014-05-17T10:10:00.000Z', values: { '/d': 4 } },
  ]);
});

test('GET /api/metrics of several days gives every pane', async () => {
  const panes = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, index) => [PANE - index * MINUTE, { pageViews: 1 }]),
  );
  await rig.write('0', 'visitors', panes);
  const readings = await rig.source.readPanes('visitors', PANE - 3_000 * MINUTE, PANE + MINUTE);
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
  await rig.sink.write({ partition: '0', epoch: 1 }, { position, panes: [], lists: [], totals });
  expect((await rig.app.inject('/api/late')).json()).toEqual({ counted: 3, late: 60, newest: [] });
  for (const partition of [0, 1]) {
    const events = Array.from({ length: 60 }, (_, at) => late(at, NOW + 2 * at + partition));
    const changes = { position, panes: [], lists: [], totals: [], late: { after: undefined, events } };
    await rig.sink.write({ partition: String(partition), epoch: 1 }, changes);
  }
  const { newest } = (await rig.app.inject('/api/late')).json<{ newest: ShownLateEvent[] }>();
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
    const response = await rig.app.inject(url);
    expect(response.statusCode, url).toBe(400);
    expect(response.headers['content-type']).toMatch('application/problem+json');
    expect(response.json().detail, url).toContain(`${path}:`);
  }
  const { detail } = (await rig.app.inject('/api/metrics/pages')).json();
  expect(detail).toBe('query.from: must be a time such as 2026-01-01T00:00:00Z');
});

test('while Redis is away the answer is 503, and the figures are back when it is', async () => {
  const other = await startTestRedis();
  const ownRedis = connectLiveRedis(other.url);
  const ownSource = createLiveSource(ownRedis, rig.clock);
  await ownSource.read();
  const ownApp = Fastify();
  await ownApp.register(liveRoutes, { source: ownSource });
  await other.kill();
  rig.clock.advance(100);
  const response = await ownApp.inject('/api/live');
  expect(response.statusCode).toBe(503);
  expect(response.json().code).toBe('PS_QUERY_UNAVAILABLE');
  await ownApp.close();
  ownSource.close();
  ownRedis.disconnect();
  await other.stop();
});
