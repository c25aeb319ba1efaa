import type { Command } from 'commander';
import {
  createAggregator,
  createRedisSink,
  createStateStore,
  defaultSessionOptions,
  snapshotCodec,
} from '../aggregators/index.js';
import {
  cloudBalancing,
  createBlobStore,
  createPartitionProcessor,
  createTopicPublisher,
  oneMachineBalancing,
  openContainer,
  type TopicPublisher,
} from '../messaging/index.js';
import type { Config } from '../shared/config/index.js';
import { aggregatorOptionsOf } from './aggregator-options.js';
import { createHubTroubleLog } from './hub-trouble.js';
import { type RoleContext, type RunningRole, runRole } from './role.js';
import { hubAccess, namespaceOf, redisUrl, storageAccess, topicAccess } from './services.js';

const CONSUMER_GROUP = 'aggregators';
const TOPIC_TIMEOUT_MS = 20_000;

export function register(command: Command): void {
  command.action(() => runRole('aggregate', {}, aggregate));
}

async function aggregate({ config, logger, clock }: RoleContext): Promise<RunningRole> {
  const access = hubAccess(config);
  const { hub } = config.eventHubs;
  const container = await openContainer(storageAccess(config), config.storage.checkpointContainer);
  const local = 'connectionString' in access && /;UseDevelopmentEmulator=true/i.test(access.connectionString);
  const { lease, snapshotIntervalMs } = config.aggregators;
  const configured = lease && { updateIntervalMs: lease.renewMs, ownershipExpiryMs: lease.expiryMs };
  const balancing = configured ?? (local ? oneMachineBalancing : cloudBalancing);
  const processor = await createPartitionProcessor(
    access,
    container,
    { hub, consumerGroup: CONSUMER_GROUP, ...balancing },
    createHubTroubleLog(clock, logger),
  );
  const sink = createRedisSink(redisUrl(config), logger);
  const topic = openTopic(config);
  if (topic === undefined && config.behaviours.length > 0) logger.warn('no topic is configured: no offers are made');
  const states = createStateStore(
    { blobs: createBlobStore(container), codec: snapshotCodec, logger },
    `${namespaceOf(access)}/${hub}/${CONSUMER_GROUP}`,
  );
  const aggregator = createAggregator(
    { processor, sink, states, topic, clock, random: Math.random, logger },
    {
      aggregator: aggregatorOptionsOf(config),
      session: { ...defaultSessionOptions, snapshotIntervalMs },
      behaviours: config.behaviours,
    },
  );
  await processor.start(aggregator);
  return {
    async stop() {
      await processor.stop();
      await Promise.all([sink.close(), topic?.close()]);
    },
  };
}

/** Undefined where no topic is configured: the figures need none. */
function openTopic(config: Config): TopicPublisher | undefined {
  const { connectionString, namespace, topic } = config.serviceBus;
  if (connectionString === undefined && namespace === undefined) return undefined;
  return createTopicPublisher(topicAccess(config), topic, { timeoutMs: TOPIC_TIMEOUT_MS });
}
