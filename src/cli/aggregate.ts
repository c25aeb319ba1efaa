import type { Command } from 'commander';
import {
  createAggregator,
  createRedisSink,
  defaultAggregatorOptions,
  defaultSessionOptions,
} from '../aggregators/index.js';
import {
  cloudBalancing,
  createBlobStore,
  createPartitionProcessor,
  oneMachineBalancing,
  openContainer,
} from '../messaging/index.js';
import { messageOf } from '../shared/errors.js';
import { type RoleContext, type RunningRole, runRole } from './role.js';
import { hubAccess, namespaceOf, redisUrl, storageAccess } from './services.js';

const CONSUMER_GROUP = 'aggregators';

export function register(command: Command): void {
  command.action(() => runRole('aggregate', {}, aggregate));
}

async function aggregate({ config, logger, clock }: RoleContext): Promise<RunningRole> {
  const access = hubAccess(config);
  const { hub } = config.eventHubs;
  const container = await openContainer(storageAccess(config), config.storage.checkpointContainer);
  const local = 'connectionString' in access && /;UseDevelopmentEmulator=true/i.test(access.connectionString);
  const processor = await createPartitionProcessor(
    access,
    container,
    { hub, consumerGroup: CONSUMER_GROUP, ...(local ? oneMachineBalancing : cloudBalancing) },
    (error, partitionId) => logger.warn({ partitionId, err: messageOf(error) }, 'hub'),
  );
  const sink = createRedisSink(redisUrl(config), logger);
  const aggregator = createAggregator(
    { processor, sink, states: createBlobStore(container), clock, random: Math.random, logger },
    {
      prefix: `${namespaceOf(access)}/${hub}/${CONSUMER_GROUP}`,
      aggregator: defaultAggregatorOptions,
      session: defaultSessionOptions,
    },
  );
  await processor.start(aggregator);
  return {
    async stop() {
      await processor.stop();
      await sink.close();
    },
  };
}
