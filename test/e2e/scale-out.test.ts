import { Redis } from 'ioredis';
import { beforeAll, expect, test } from 'vitest';
import { createBlobStore, openContainer } from '../../src/messaging/index.js';
import { waitFor } from '../helpers/wait.js';
import { useAggregators } from './support/aggregators.js';
import { createPageViews, type PageViews } from './support/page-views.js';
import type { RunningRole } from './support/role.js';

const PARTITIONS = ['0', '1', '2', '3'];

const aggregators = useAggregators('scale-out', {
  PENSTOCK_AGGREGATOR_LEASE: '{"renewMs":500,"expiryMs":5000}',
  PENSTOCK_AGGREGATOR_SNAPSHOT_INTERVAL_MS: '500',
});
let views: PageViews;
beforeAll(() => {
  views = createPageViews(aggregators.publisher);
});

let seed = 1;
async function sendAndCount(packs = 4): Promise<void> {
  for (let pack = 0; pack < packs; pack++) await views.send(seed++);
  await waitFor('everything to be counted', async () => {
    const { counted = 0, duplicate = 0 } = await aggregators.source.readTotals();
    return counted + duplicate >= views.sent + views.repeated;
  });
  expect(await aggregators.source.readTotals()).toMatchObject({ counted: views.sent, duplicate: views.repeated });
  expect(await views.shown(aggregators.source)).toEqual(views.expected());
}

interface StateFacts {
  readonly epoch: number;
  readonly sequenceNumber: number;
}

/** What the saved states and the checkpoints say of owner and position, by partition. */
async function blobFacts(kind: 'state/g8' | 'checkpoint'): Promise<StateFacts[]> {
  const container = await openContainer({ connectionString: aggregators.storage }, 'checkpoints');
  const blobs = createBlobStore(container);
  return Promise.all(
    PARTITIONS.map(async (partition) => {
      const blob = await blobs.read(`localhost/clicks/aggregators/${kind}/${partition}`);
      return {
        epoch: Number(blob?.metadata['ownerepoch']),
        sequenceNumber: Number(blob?.metadata['sequencenumber']),
      };
    }),
  );
}

/** Waits until the states are saved up to what is shown, and answers up to where. */
async function waitUntilSaved(): Promise<StateFacts[]> {
  return waitFor('the states to be saved', async () => {
    const health = await aggregators.source.readHealth();
    const facts = await blobFacts('state/g8');
    const saved = facts.every(({ sequenceNumber }, at) => sequenceNumber === health.get(`${at}`)?.sequenceNumber);
    if (!saved) throw new Error(JSON.stringify([facts, [...health]]));
    return facts;
  });
}

const linesOf = (role: RunningRole, message: string) =>
  role
    .output()
    .split('\n')
    .filter((line) => line.includes(`"${message}"`))
    .map((line) => JSON.parse(line) as { partitionId: string; from: number | string; epoch: number });

/** Which partitions it has opened, or closed: a process that lost one may have opened it more than once. */
const partitionsOf = (role: RunningRole, message: string) =>
  new Set(linesOf(role, message).map(({ partitionId }) => partitionId)).size;

/** All figures that Redis has. A process that goes on may win partitions back, which changes none. */
async function dump(): Promise<Map<string, unknown>> {
  const client = new Redis(aggregators.redisUrl);
  const content = new Map<string, unknown>();
  for (const key of (await client.keys('*')).sort()) {
    if (/:owners$|\{live:(health|catalogue)\}/.test(key) || (await client.type(key)) !== 'hash') continue;
    const fields = Object.entries(await client.hgetall(key));
    content.set(key, Object.fromEntries(fields.filter(([field]) => field.includes('|'))));
  }
  client.disconnect();
  return content;
}

test('what one process began three go on with, and one after them, each from the last saved state', async () => {
  const first = await aggregators.start();
  await sendAndCount();
  const savedByOne = await waitUntilSaved();
  await first.kill();

  const three = await Promise.all([1, 2, 3].map(() => aggregators.start()));
  const opened = await waitFor('three processes to share the partitions', () => {
    const lines = three.map((role) => linesOf(role, 'partition opened'));
    return lines.every((each) => each.length > 0) && lines.flat().length >= PARTITIONS.length
      ? lines.flat()
      : undefined;
  });
  for (const { partitionId, from, epoch } of opened) {
    expect(from).toBe(savedByOne[Number(partitionId)]?.sequenceNumber);
    expect(epoch).toBeGreaterThan(savedByOne[Number(partitionId)]?.epoch as number);
  }
  await sendAndCount();
  const savedByThree = await waitUntilSaved();
  await Promise.all(three.map((role) => role.kill()));

  const last = await aggregators.start();
  const taken = await waitFor('one process to take them all', () => {
    const lines = linesOf(last, 'partition opened');
    return new Set(lines.map(({ partitionId }) => partitionId)).size === PARTITIONS.length ? lines : undefined;
  });
  for (const { partitionId, from } of taken) expect(from).toBe(savedByThree[Number(partitionId)]?.sequenceNumber);
  await sendAndCount();
  expect(await last.stop()).toBe(0);
});

test('a process that was stopped for longer than its lease and goes on writes neither to Redis nor to Blob', async () => {
  const former = await aggregators.start();
  await waitFor('all partitions', () => partitionsOf(former, 'partition opened') === PARTITIONS.length);
  // It stops with figures that wait to be shown and a state that waits to be saved.
  await views.send(seed++);
  former.signal('SIGSTOP');
  const owner = await aggregators.start();
  await waitFor('the partitions to be taken over', () => partitionsOf(owner, 'partition opened') === PARTITIONS.length);
  await sendAndCount();
  await waitUntilSaved();
  const before = { redis: await dump(), states: await blobFacts('state/g8'), marks: await blobFacts('checkpoint') };
  former.signal('SIGCONT');
  await waitFor('it to give up what it had', () => partitionsOf(former, 'partition closed') === PARTITIONS.length);
  expect(await dump()).toEqual(before.redis);
  for (const [kind, facts] of [
    ['state/g8', before.states],
    ['checkpoint', before.marks],
  ] as const) {
    for (const [at, { epoch, sequenceNumber }] of (await blobFacts(kind)).entries()) {
      expect(sequenceNumber).toBe(facts[at]?.sequenceNumber);
      expect(epoch).toBeGreaterThanOrEqual(facts[at]?.epoch as number);
    }
  }
  await sendAndCount();
});
