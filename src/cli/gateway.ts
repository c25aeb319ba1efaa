import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import {
  createGateway,
  createSaltStore,
  type Gateway,
  type GatewayOptions,
  type MendedSpool,
  openJournal,
  openSpoolStore,
} from '../gateway/index.js';
import { createHubPublisher, createTopicPublisher } from '../messaging/index.js';
import { type Clock, every } from '../shared/clock.js';
import { makeDataDir } from '../shared/config/index.js';
import type { Logger } from '../shared/logger.js';
import type { FromWorker, ToWorker } from './gateway/messages.js';
import { type Channel, createPeers } from './gateway/peers.js';
import { shareOf, shareToDrain } from './gateway/share.js';
import { formerWorkers, removeSpool, spoolFolder } from './gateway/spools.js';
import { startWorkers } from './gateway/workers.js';
import { roomForConnections } from './open-files.js';
import { ownDataDir, port, positiveInteger, wholeNumber } from './options.js';
import { type RoleContext, type RunningRole, runRole } from './role.js';
import { hubAccess, topicAccess } from './services.js';

export function register(command: Command): void {
  command
    .option('--port <port>', 'port to listen on; 0 takes any free one (default: 8080)', port)
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--workers <number>', 'processes that take events on the one port (default: 1)', positiveInteger)
    .option(...ownDataDir)
    .addOption(new Option('--worker <number>', 'which of them this one is').argParser(wholeNumber).hideHelp())
    .action((options: { port?: number; host?: string; workers?: number; dataDir?: string; worker?: number }) =>
      runRole(
        'gateway',
        {
          'gateway.port': options.port,
          'gateway.host': options.host,
          'gateway.workers': options.workers,
          dataDir: options.dataDir,
        },
        (context) => start(context, options.worker),
      ),
    );
}

function start(context: RoleContext, worker: number | undefined): Promise<RunningRole> {
  const { dataDir, gateway } = context.config;
  makeDataDir(dataDir);
  if (worker !== undefined) return startGateway({ ...context, logger: context.logger.child({ worker }) }, worker);
  const isAlone = gateway.workers === 1 && formerWorkers(dataDir, 1).length === 0;
  return isAlone ? startGateway(context) : startWorkers(context);
}

async function startGateway({ config, logger, clock }: RoleContext, worker?: number): Promise<RunningRole> {
  const { gateway: options } = config;
  const spool = spoolFolder(config.dataDir, worker ?? 0);
  const isFormer = worker !== undefined && worker >= options.workers;
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
      ...(options.spool.bytes > 0 || existsSync(spool)
        ? { openSpoolStore: () => openSpoolStore(spool, (mended) => tellOfMended(spool, mended, logger)) }
        : {}),
      peers: worker === undefined ? undefined : createPeers(channel, clock),
    },
    isFormer ? shareToDrain(options) : withinRoom(shareOf(options, options.workers)),
  );
  if (isFormer) return drainOnly(gateway, spool, clock);
  const url = await gateway.listen({ host: options.host, port: options.port });
  logger.info({ url }, 'listening');
  process.on('SIGHUP', () => void gateway.reload());
  return { ready: { url }, stop: gateway.stop };
}

/** What the configuration allows, as far as this process may have it. */
function withinRoom<Options extends GatewayOptions>(options: Options): Options {
  const { http } = options;
  return { ...options, http: { ...http, connections: Math.min(http.connections, roomForConnections()) } };
}

/** Most damaged places of which each has a line in the log. */
const MAX_TOLD = 20;

function tellOfMended(spool: string, { losses, keptIn }: MendedSpool, logger: Logger): void {
  for (const { file, what } of losses.slice(0, MAX_TOLD)) {
    logger.error({ file: join(spool, file), what, keptIn }, 'the spool was damaged: what is whole of it is sent');
  }
  const more = losses.length - MAX_TOLD;
  if (more > 0) logger.error({ spool, more, keptIn }, 'the spool was damaged in more places');
}

const channel: Channel = {
  send(message: FromWorker) {
    if (process.connected) process.send?.(message);
  },
  onMessage: (listener) => void process.on('message', (message) => listener(message as ToWorker)),
};

const DRAIN_CHECK_MS = 500;

/** Takes no events: empties the spool that a former worker has left, and says so. What was set aside in it stays. */
function drainOnly(gateway: Gateway, folder: string, clock: Clock): RunningRole {
  const stopLooking = every(clock, DRAIN_CHECK_MS, async () => {
    const { isEmpty, setAside } = gateway.spooled();
    if (!isEmpty) return;
    stopLooking();
    await gateway.stop({ deadlineMs: DRAIN_CHECK_MS });
    if (!setAside) removeSpool(folder);
    channel.send({ type: 'drained' });
  });
  return {
    stop(options) {
      stopLooking();
      return gateway.stop(options);
    },
  };
}
