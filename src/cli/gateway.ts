import { join } from 'node:path';
import type { Command } from 'commander';
import { createGateway, createSaltStore, openJournal, openSpoolStore } from '../gateway/index.js';
import { createHubPublisher, createTopicPublisher } from '../messaging/index.js';
import { port } from './options.js';
import { type RoleContext, type RunningRole, runRole } from './role.js';
import { hubAccess, topicAccess } from './services.js';

export function register(command: Command): void {
  command
    .option('--port <number>', 'port to listen on; 0 takes any free one', port)
    .option('--host <address>', 'address to listen on')
    .option('--data-dir <path>', 'folder of everything that is kept on this machine')
    .action((options: { port?: number; host?: string; dataDir?: string }) =>
      runRole(
        'gateway',
        { 'gateway.port': options.port, 'gateway.host': options.host, dataDir: options.dataDir },
        startGateway,
      ),
    );
}

async function startGateway({ config, logger, clock }: RoleContext): Promise<RunningRole> {
  const { gateway: options } = config;
  const publisherOptions = { timeoutMs: options.limits.publishTimeoutMs };
  const gateway = await createGateway(
    {
      clock,
      random: Math.random,
      logger,
      openHub: (name) => createHubPublisher(hubAccess(config), name, publisherOptions),
      openTopic: (name) => createTopicPublisher(topicAccess(config), name, publisherOptions),
      saltOf: createSaltStore(join(config.dataDir, 'gateway', 'salt'), logger),
      openJournal: (limits) => openJournal(join(config.dataDir, 'gateway', 'ids'), { clock, logger }, limits),
      openSpoolStore: () => openSpoolStore(join(config.dataDir, 'gateway', 'spool')),
    },
    options,
  );
  const url = await gateway.listen({ host: options.host, port: options.port });
  logger.info({ url }, 'listening');
  process.on('SIGHUP', () => void gateway.reload());
  return { ready: { url }, stop: gateway.stop };
}
