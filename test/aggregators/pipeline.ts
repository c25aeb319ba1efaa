import {
  createAggregator,
  createRedisSink,
  createStateStore,
  defaultAggregatorOptions,
  defaultSessionOptions,
  snapshotCodec,
} from '../../src/aggregators/index.js';
import {
  createBlobStore,
  createHubPublisher,
  createPartitionProcessor,
  createTopicPublisher,
  type HubPublisher,
  openContainer,
} from '../../src/messaging/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { loadConfig } from '../../src/shared/config/index.js';
import { messageOf } from '../../src/shared/errors.js';
import { createLogger } from '../../src/shared/logger.js';
import { partitionForKey } from '../../src/shared/partition-hash.js';

export interface PipelineAddresses {
  readonly hub: string;
  readonly storage: string;
  readonly redis: string;
  readonly container?: string;
  /** Of the service whose topic offers go to. */
  readonly topic?: string;
}

export interface RunningAggregator {
  /** Partitions opened so far, with the position they were resumed from. */
  readonly opened: readonly { partitionId: string; from: number | undefined }[];
  readonly errors: readonly string[];
  stop(): Promise<void>;
}

/** The aggregators as the role runs them, in this process. */
export async function startAggregator(at: PipelineAddresses): Promise<RunningAggregator> {
  const container = await openContainer({ connectionString: at.storage }, at.container ?? 'checkpoints');
  const errors: string[] = [];
  const processor = await createPartitionProcessor(
    { connectionString: at.hub },
    container,
    { hub: 'clicks', consumerGroup: 'aggregators', updateIntervalMs: 300, ownershipExpiryMs: 3_000 },
    (error) => errors.push(messageOf(error)),
  );
  const logger = createLogger('test', 'silent');
  const sink = createRedisSink(at.redis, logger);
  const topic =
    at.topic === undefined
      ? undefined
      : createTopicPublisher({ connectionString: at.topic }, 'events', { timeoutMs: 10_000 });
  const states = createStateStore(
    { blobs: createBlobStore(container), codec: snapshotCodec, logger },
    'localhost/clicks/aggregators',
  );
  const handler = createAggregator(
    { processor, sink, states, topic, clock: systemClock, random: Math.random, logger },
    {
      aggregator: defaultAggregatorOptions,
      session: { ...defaultSessionOptions, snapshotIntervalMs: 500 },
      behaviours: loadConfig({ env: {} }).behaviours,
    },
  );
  const opened: { partitionId: string; from: number | undefined }[] = [];
  await processor.start({
    ...handler,
    async open(partitionId, ask) {
      const position = await handler.open(partitionId, ask);
      opened.push({ partitionId, from: position?.sequenceNumber });
      return position;
    },
  });
  return {
    opened,
    errors,
    async stop() {
      await processor.stop();
      await Promise.all([sink.close(), topic?.close()]);
    },
  };
}

/** Sends events to the hub as the gateway does, `packSize` to a hub event. */
export async function publish(
  publisher: HubPublisher,
  events: readonly { data: { anonymousId: string } }[],
  { packSize = 50, partitionCount = 4 } = {},
): Promise<void> {
  const partitions = new Map<number, (typeof events)[number][]>();
  for (const event of events) {
    const partition = partitionForKey(event.data.anonymousId, partitionCount);
    partitions.set(partition, [...(partitions.get(partition) ?? []), event]);
  }
  for (const [partition, list] of partitions) {
    const packs: Buffer[] = [];
    for (let at = 0; at < list.length; at += packSize)
      packs.push(Buffer.from(JSON.stringify(list.slice(at, at + packSize))));
    await publisher.send(partition, packs);
  }
}

export async function openPublisher(connectionString: string): Promise<HubPublisher> {
  return createHubPublisher({ connectionString }, 'clicks', { timeoutMs: 10_000 });
}
