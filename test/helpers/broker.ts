import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BlobWriter, type BrokerReady, createBroker } from '../../src/broker/index.js';
import type {
  HubDefinition,
  QueueDefinition,
  SubscriptionDefinition,
  TopicDefinition,
  Topology,
} from '../../src/broker/topology/index.js';
import { type Clock, systemClock } from '../../src/shared/clock.js';
import { createLogger } from '../../src/shared/logger.js';

const MINUTE_MS = 60_000;

export const queueSettings = {
  lockDurationMs: MINUTE_MS,
  maxDeliveryCount: 10,
  defaultMessageTimeToLiveMs: Number.POSITIVE_INFINITY,
  deadLetteringOnMessageExpiration: false,
  requiresSession: false,
} as const;

export const queue = (name: string, overrides: Partial<QueueDefinition> = {}): QueueDefinition => ({
  name,
  ...queueSettings,
  requiresDuplicateDetection: false,
  duplicateDetectionHistoryTimeWindowMs: 10 * MINUTE_MS,
  ...overrides,
});

export const subscription = (
  name: string,
  overrides: Partial<SubscriptionDefinition> = {},
): SubscriptionDefinition => ({
  name,
  ...queueSettings,
  deadLetteringOnFilterEvaluationExceptions: true,
  rules: [],
  ...overrides,
});

export const topic = (name: string, overrides: Partial<TopicDefinition> = {}): TopicDefinition => ({
  name,
  requiresDuplicateDetection: true,
  duplicateDetectionHistoryTimeWindowMs: 10 * MINUTE_MS,
  defaultMessageTimeToLiveMs: Number.POSITIVE_INFINITY,
  subscriptions: [],
  ...overrides,
});

export const hub = (name: string, overrides: Partial<HubDefinition> = {}): HubDefinition => ({
  name,
  partitionCount: 4,
  retentionMs: 24 * 60 * MINUTE_MS,
  consumerGroups: [],
  ...overrides,
});

/** A topic `events` with two subscriptions that get everything, and a hub `clicks` with 4 partitions. */
export const testTopology: Topology = {
  queues: [],
  topics: [topic('events', { subscriptions: [subscription('audit'), subscription('all')] })],
  hubs: [hub('clicks', { consumerGroups: ['aggregators', 'archive', 'replay'] })],
};

export interface TestBroker extends BrokerReady {
  readonly dataDir: string;
  /** Stops it and keeps its data, so that another one can be started on `dataDir`. */
  stop(): Promise<void>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

export interface TestBrokerOptions {
  readonly dataDir?: string;
  readonly port?: number;
  /** The broker's own time; that of the machine without it. */
  readonly clock?: Clock;
  readonly connectionTimes?: Parameters<typeof createBroker>[0]['connectionTimes'];
  readonly minFreeBytes?: number;
  readonly memoryBounds?: Parameters<typeof createBroker>[0]['memoryBounds'];
  /** Where captured hubs are written to. */
  readonly blobs?: BlobWriter;
}

/** Starts a real broker in this process on a free port, with data of its own. */
export async function startTestBroker(
  topology: Topology = testTopology,
  options: TestBrokerOptions = {},
): Promise<TestBroker> {
  const { connectionTimes, memoryBounds, minFreeBytes } = options;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'penstock-broker-')));
  const broker = createBroker(
    { dataDir, host: '127.0.0.1', port: options.port ?? 0, topology, connectionTimes, memoryBounds, minFreeBytes },
    { clock: options.clock ?? systemClock, logger: createLogger('test-broker', 'warn'), blobs: options.blobs },
  );
  const ready = await broker.start();
  const stop = () => broker.stop({ deadlineMs: 2000 });
  return {
    ...ready,
    dataDir,
    stop,
    async remove() {
      await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
