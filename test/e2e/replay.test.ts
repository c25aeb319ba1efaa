import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCaptureHistory } from '../../src/archive/index.js';
import { loadTopology } from '../../src/broker/index.js';
import { createBlobReader, createBlobWriter, createHubPublisher } from '../../src/messaging/index.js';
import { replay } from '../../src/query/index.js';
import type { LiveFigures } from '../../src/shared/live.js';
import { notTold } from '../archive/capture-file.js';
import { startTestAzurite, type TestAzurite } from '../helpers/azurite.js';
import { startTestBroker, type TestBroker } from '../helpers/broker.js';
import { createTempDir } from '../helpers/parts.js';
import { startTestRedis, type TestRedis } from '../helpers/redis.js';
import { waitFor } from '../helpers/wait.js';
import { penstock } from './support/penstock.js';
import { type RunningRole, startRole } from './support/role.js';

const WRITE_KEY = 'a-write-key-of-the-replay-test';
const DAY_SECONDS = 86_400;
const dir = createTempDir('replay');
let azurite: TestAzurite;
let redis: TestRedis;
let broker: TestBroker;
let env: Record<string, string>;
const roles: Record<string, RunningRole> = {};
/** Events in the hub, repetitions included. */
let count = 0;

/** The topology that ships, but for a window of Capture that nobody has to wait for. */
const topology = (() => {
  const shipped = loadTopology();
  const hubs = shipped.hubs.map((hub) =>
    hub.capture ? { ...hub, capture: { ...hub.capture, intervalMs: 1_000 } } : hub,
  );
  return { ...shipped, hubs };
})();
const capture = topology.hubs.find(({ name }) => name === 'clicks')?.capture as NonNullable<
  (typeof topology.hubs)[number]['capture']
>;

beforeAll(async () => {
  [azurite, redis] = await Promise.all([startTestAzurite(), startTestRedis()]);
  const blobs = createBlobWriter({ connectionString: azurite.connectionString });
  broker = await startTestBroker(topology, { blobs });
  env = {
    PENSTOCK_DATA_DIR: dir.path,
    PENSTOCK_SERVICEBUS_CONNECTION_STRING: broker.connectionString,
    PENSTOCK_EVENTHUBS_CONNECTION_STRING: broker.connectionString,
    PENSTOCK_STORAGE_CONNECTION_STRING: azurite.connectionString,
    PENSTOCK_REDIS_URL: redis.url,
    PENSTOCK_SOURCES: JSON.stringify([{ name: 'shop', writeKey: WRITE_KEY }]),
    // Orders too, which otherwise come to the hub by way of the topic.
    PENSTOCK_ROUTES: JSON.stringify([{ match: { type: '*' }, to: 'hub:clicks' }]),
    PENSTOCK_PORT: '0',
    PENSTOCK_ADMIN_PORT: '0',
  };
  const start = async (name: string) => {
    roles[name] = await startRole([name], env);
  };
  await Promise.all(['gateway', 'aggregate', 'dashboard'].map(start));
});
afterAll(async () => {
  await Promise.all(Object.values(roles).map((role) => role.stop()));
  await broker.remove();
  await Promise.all([redis.stop(), azurite.stop()]);
  dir.remove();
});

const run = async (args: readonly string[]) => {
  const result = await penstock(args, { env });
  expect(result.code, result.stderr).toBe(0);
  return result;
};

/** What a gateway that lost its disk sends again, and what is no event. */
async function sendOddities(): Promise<void> {
  const publisher = createHubPublisher({ connectionString: broker.connectionString }, 'clicks', { timeoutMs: 20_000 });
  const view = {
    ...{ specversion: '1.0', id: 'again', source: 'shop', type: 'page_view', time: new Date().toISOString() },
    data: { anonymousId: 'again', page: { path: '/again' }, context: {}, receivedAt: new Date().toISOString() },
  };
  await publisher.send(0, [Buffer.from(JSON.stringify([view, view, {}])), Buffer.from('no JSON')]);
  await publisher.close();
}

/** How many events are in files of Capture by now. */
async function captured(): Promise<number> {
  const blobs = createBlobReader({ connectionString: azurite.connectionString }, capture.container);
  const history = createCaptureHistory({ blobs, onProblem: notTold, onGap: notTold }, { ...capture, hub: 'clicks' });
  const bounds = { fromMs: 0, toMs: Number.POSITIVE_INFINITY };
  return (await replay(history, bounds, async () => {}).catch(() => ({ events: 0 }))).events;
}

test('the events of a day are the same bytes from the hub and from its files of Capture', async () => {
  const simulation = [
    'simulate',
    '--duration',
    String(DAY_SECONDS),
    '--rate',
    '0.03',
    '--too-late',
    '0.01',
    '--speed',
    'max',
  ];
  await run([...simulation, '--url', roles['gateway']?.facts['url'] as string, '--write-key', WRITE_KEY]);
  await sendOddities();
  const fromHub = await run(['replay', '--from', 'earliest']);
  count = fromHub.stdout.split('\n').length - 1;
  expect(count).toBeGreaterThan(1_000);
  await waitFor('files of all events', async () => (await captured()) === count);
  const file = join(dir.path, 'day.ndjson');
  const fromCapture = await run(['replay', '--source', 'capture', '--from', 'earliest', '--output', file]);
  expect(readFileSync(file, 'utf8')).toBe(fromHub.stdout);
  // Lines of progress come by the time that it takes.
  expect(fromCapture.stderr.split('\n').at(-2)).toBe(fromHub.stderr.split('\n').at(-2));
});

test('the figures of a day are the same live, from the hub, and from its files of Capture', async () => {
  const api = async <T>(path: string) =>
    (await (await fetch(`${roles['dashboard']?.facts['url']}${path}`)).json()) as T;
  await waitFor('the live figures', async () => {
    const totals = await api<Readonly<Record<string, number>>>('/api/late');
    const judged = ['counted', 'duplicate', 'malformed', 'late'].reduce((sum, name) => sum + (totals[name] ?? 0), 0);
    // A hub event that is no JSON is one of nothing else.
    return judged === count + 1;
  });
  const { late, duplicate, malformed } = await api<Readonly<Record<string, number>>>('/api/late');
  const live = await api<LiveFigures>('/api/live');
  const figures = async (...source: string[]) => {
    const { stdout } = await run(['replay', ...source, '--from', 'earliest', '--figures', '--as-of', live.asOf]);
    return JSON.parse(stdout) as LiveFigures;
  };
  expect(await figures()).toEqual(live);
  // But for delays, which take more than the whole seconds that files have.
  const { ingestionDelay, ...others } = live.metrics;
  const captured = await figures('--source', 'capture');
  const { ingestionDelay: unknown, ...sameOthers } = captured.metrics;
  expect({ ...captured, metrics: sameOthers }).toEqual({ ...live, metrics: others });
  expect(unknown?.values).toEqual([]);
  // Without these nothing would be shown.
  for (const figure of [
    late,
    duplicate,
    malformed,
    live.visitors.total,
    live.sessions.open,
    live.offers.length,
    live.pages.length,
  ])
    expect(figure).toBeGreaterThan(0);
  expect(ingestionDelay?.values).toHaveLength(1);
  expect(others['revenue']?.series.length).toBeGreaterThan(0);
});

test('a damaged file makes the command fail, after all that is whole, and there are no figures', async () => {
  const name = `${capture.namespace}/clicks/0/2026/01/01/00/00/00.avro`;
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  await service.getContainerClient(capture.container).getBlockBlobClient(name).upload('no Avro', 7);
  const capturing = ['replay', '--source', 'capture', '--from', 'earliest'];
  const events = await penstock(capturing, { env });
  expect(events.code).toBe(1);
  expect(events.stdout.split('\n')).toHaveLength(count + 1);
  const told = `PS_ARCHIVE_DAMAGED: ${name}, at byte 0`;
  expect(events.stderr).toContain(told);
  const figures = await penstock([...capturing, '--figures'], { env });
  expect({ code: figures.code, stdout: figures.stdout }).toEqual({ code: 1, stdout: '' });
  expect(figures.stderr).toContain(told);
});

test('bounds that files of Capture cannot keep are refused', async () => {
  const bounds = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-01T00:00:00.500Z'];
  const { code, stdout, stderr } = await penstock(['replay', '--source', 'capture', ...bounds], { env });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('PS_REPLAY_INVALID');
});
