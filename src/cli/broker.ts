import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import {
  type BlobWriter,
  createBroker,
  type EntityFlags,
  loadTopology,
  namesEntities,
  type Topology,
  withEntityFlags,
} from '../broker/index.js';
import { type Config, makeDataDir } from '../shared/config/index.js';
import { messageOf, PenstockError } from '../shared/errors.js';
import { registerLookingCommands } from './broker/commands.js';
import { roomForConnections } from './open-files.js';
import { hostNames, ownDataDir, port, positiveNumber, wholeNumber } from './options.js';
import { runRole } from './role.js';
import { storageAccess } from './services.js';

/** What a client needs, in a file that only its owner can read: a log is no place for keys. */
function writeAccess(dataDir: string, access: { connectionString: string; caFile: string }): string {
  const path = resolve(dataDir, 'broker', 'endpoint.json');
  const { connectionString, caFile } = access;
  writeFileSync(path, `${JSON.stringify({ connectionString, caFile: resolve(caFile) }, null, 2)}\n`, { mode: 0o600 });
  return path;
}

/** Where captured hubs are written to. The storage library is loaded with the first file: a broker starts faster without. */
function captureStorage({ storage }: Config): BlobWriter | undefined {
  if (storage.connectionString === undefined && storage.account === undefined) return undefined;
  const access = storageAccess({ storage });
  let writer: Promise<BlobWriter> | undefined;
  const open = () => {
    writer ??= import('../messaging/index.js').then(({ createBlobWriter }) => createBlobWriter(access));
    return writer;
  };
  return {
    write: async (...blob) => (await open()).write(...blob),
    has: async (...blob) => (await open()).has(...blob),
  };
}

/** Ends that a stack says nothing more of. */
const SAYS_ALL: ReadonlySet<string> = new Set(['PS_BROKER_STORE_CORRUPT', 'PS_BROKER_DATA_DIR']);

const gathered = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** The template that ships with Penstock is for who names nothing. */
function topologyOf(template: string | undefined, flags: EntityFlags): Topology {
  if (!namesEntities(flags)) return loadTopology(template);
  const base = template === undefined ? { queues: [], topics: [], hubs: [] } : loadTopology(template);
  return withEntityFlags(base, flags);
}

/** What is left of the arguments is a command that there is none of: the broker itself takes none. */
function refuseUnknown(command: Command): void {
  const [unknown] = command.args;
  if (unknown === undefined) return;
  const names = command.commands.map((known) => known.name()).join(', ');
  command.error(`error: unknown command '${unknown}'; those of broker are ${names}`);
}

/** `penstock broker`: the embedded broker as a process of its own, and commands that look into a running one. */
export function register(command: Command): void {
  registerLookingCommands(command);
  command
    // The commands have flags of the same names.
    .enablePositionalOptions()
    .option(...ownDataDir)
    .option('--host <address>', 'address that the broker listens on (default: 127.0.0.1)')
    .option('--tls-name <name>', 'a further name or address that the certificate is for', hostNames)
    .option('--broker-port <port>', 'port of the broker; 0 takes any free one (default: 5672)', port)
    .option('--partition-max-bytes <bytes>', 'most bytes of events that a partition of a hub keeps', positiveNumber)
    .option('--min-free-bytes <bytes>', 'room that is left on the disk before sends are refused', wholeNumber)
    .option('--template <file>', 'ARM template, or Config.json of the official emulators, with the topology')
    .option('--queue <spec>', 'a queue: NAME[,lock=30s][,deliveries=5][,ttl=1d][,dedup=10m][,sessions]…', gathered)
    .option('--topic <spec>', 'a topic: NAME[,dedup=10m][,ttl=1d][,size=2048]', gathered)
    .option('--subscription <spec>', "a subscription: TOPIC/NAME[,lock=30s]…[,filter=type = 'x']", gathered)
    .option(
      '--hub <spec>',
      'an event hub: NAME[:PARTITIONS][,retention=7d][,groups=a+b] (default: 4 partitions)',
      gathered,
    )
    .allowExcessArguments()
    .on('beforeHelp', () => {
      // Then flags that nobody knows are among the arguments.
      if (command.args[0]?.startsWith('-') === false) refuseUnknown(command);
    })
    .action((flags: Record<string, unknown>) => {
      refuseUnknown(command);
      return runRole(
        'broker',
        {
          dataDir: flags['dataDir'],
          'broker.host': flags['host'],
          'broker.port': flags['brokerPort'],
          'broker.template': flags['template'],
          'broker.partitionMaxBytes': flags['partitionMaxBytes'],
          'broker.minFreeBytes': flags['minFreeBytes'],
        },
        async ({ config, clock, logger }) => {
          const { host, template, partitionMaxBytes, minFreeBytes } = config.broker;
          makeDataDir(config.dataDir);
          const topology = topologyOf(template, flags);
          const onFatal = (error: unknown) => {
            if (error instanceof PenstockError && SAYS_ALL.has(error.code))
              logger.fatal({ code: error.code, ...error.facts }, messageOf(error));
            else logger.fatal({ err: error }, 'the store failed');
            process.exit(1);
          };
          const broker = createBroker(
            {
              dataDir: config.dataDir,
              host,
              tlsNames: flags['tlsName'] as readonly string[] | undefined,
              port: config.broker.port,
              topology,
              partitionMaxBytes,
              minFreeBytes,
              maxConnections: roomForConnections(),
            },
            { clock, logger, onFatal, blobs: captureStorage(config) },
          );
          const ready = await broker.start();
          logger.info({ host, port: ready.port, clientsFindItIn: writeAccess(config.dataDir, ready) }, 'listening');
          return { ready: { ...ready }, stop: (options) => broker.stop(options) };
        },
      );
    });
}
