import { Argument, type Command } from 'commander';
import { consumerNames, createConsumer, type RunningConsumer, runConsumer } from '../consumers/index.js';
import { createHubPublisher, createSubscriptionReceiver } from '../messaging/index.js';
import { makeDataDir } from '../shared/config/index.js';
import { messageOf } from '../shared/errors.js';
import { ownDataDir } from './options.js';
import { type RoleContext, type RunningRole, runRole } from './role.js';
import { hubAccess, topicAccess } from './services.js';

const HUB_TIMEOUT_MS = 20_000;

export function register(command: Command): void {
  command
    .addArgument(new Argument('<name...>', 'subscribers to run in this process').choices(consumerNames))
    .option(...ownDataDir)
    .action((names: string[], { dataDir }: { dataDir?: string }) =>
      runRole('consume', { dataDir }, (context) => consume([...new Set(names)], context)),
    );
}

async function consume(names: readonly string[], { config, logger, clock }: RoleContext): Promise<RunningRole> {
  // The others keep nothing on this machine.
  if (names.includes('audit')) makeDataDir(config.dataDir);
  const access = topicAccess(config);
  const { topic } = config.serviceBus;
  const openHub = () => createHubPublisher(hubAccess(config), config.eventHubs.hub, { timeoutMs: HUB_TIMEOUT_MS });
  const consumers = names.map((name) => ({
    name,
    consumer: createConsumer(name, config, {
      clock,
      random: Math.random,
      logger: logger.child({ name }),
      fetch,
      openHub,
    }),
  }));
  const running: RunningConsumer[] = [];
  for (const { name, consumer } of consumers) {
    const receiver = await createSubscriptionReceiver(
      access,
      { topic, subscription: name, concurrency: consumer.concurrency },
      (error) => logger.warn({ name, err: messageOf(error) }, 'topic'),
    );
    running.push(await runConsumer(receiver, consumer));
  }
  return {
    async stop() {
      await Promise.all(running.map((consumer) => consumer.stop()));
    },
  };
}
