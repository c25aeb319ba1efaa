import { type ArchiveError, createCaptureHistory, type Gap } from '../archive/index.js';
import { createBlobReader, createHubReader, type ServiceAccess, type StorageAccess } from '../messaging/index.js';
import { type EventHistory, hubHistory, QueryError } from '../query/index.js';
import type { Config } from '../shared/config/index.js';
import { readEndpoints } from '../shared/endpoints.js';
import { hubAccess, storageAccess } from './services.js';

export const SOURCES = ['hub', 'capture'] as const;

export interface SourceFlags {
  readonly source: (typeof SOURCES)[number];
  readonly container?: string;
  readonly nameFormat?: string;
  readonly dataDir?: string;
}

export interface ReplaySource {
  readonly history: EventHistory;
  /** Times of arrival are known to the second alone. */
  readonly inSeconds: boolean;
  /** The first thing that was wrong with a file. It was told of, and the reading went on. */
  problem(): ArchiveError | undefined;
  close(): Promise<void>;
}

const CONSUMER_GROUP = 'replay';

/** Opens what the flags name. `tell` gets a line for whoever waits. */
export async function openSource(
  config: Config,
  flags: SourceFlags,
  tell: (line: string) => void,
): Promise<ReplaySource> {
  if (flags.source === 'capture') return captureSource(config, flags, tell);
  if (flags.container !== undefined || flags.nameFormat !== undefined)
    throw new QueryError('PS_REPLAY_INVALID', '--container and --name-format are for --source capture');
  const reader = await createHubReader(hubOf(config, flags), {
    hub: config.eventHubs.hub,
    consumerGroup: CONSUMER_GROUP,
  });
  return { history: hubHistory(reader), inSeconds: false, problem: () => undefined, close: () => reader.close() };
}

async function captureSource(config: Config, flags: SourceFlags, tell: (line: string) => void): Promise<ReplaySource> {
  const { storage, eventHubs } = servicesOf(config, flags);
  const { container, ...naming } = await captureOf({ ...config, eventHubs }, flags);
  let first: ArchiveError | undefined;
  const history = createCaptureHistory(
    {
      blobs: createBlobReader(storage, container),
      onProblem(problem) {
        first ??= problem;
        tell(`${problem.code}: ${problem.message}`);
      },
      onGap: (gap) => tell(describeGap(gap)),
    },
    naming,
  );
  return { history, inSeconds: true, problem: () => first, async close() {} };
}

const describeGap = ({ partitionId, first, last }: Gap) =>
  `partition ${partitionId}: ${first === last ? `event ${first} is` : `events ${first} to ${last} are`} in no file`;

/** Where the hub is captured to: as the template says that is deployed, or as the flags say. */
async function captureOf({ broker, eventHubs }: Pick<Config, 'broker' | 'eventHubs'>, flags: SourceFlags) {
  const { hub } = eventHubs;
  // It comes with all of the broker, which nothing else here needs.
  const { loadTopology } = await import('../broker/index.js');
  const found = loadTopology(broker.template).hubs.find(({ name }) => name.toLowerCase() === hub.toLowerCase());
  const capture = found?.capture;
  const container = flags.container ?? capture?.container;
  const nameFormat = flags.nameFormat ?? capture?.nameFormat;
  if (container === undefined || nameFormat === undefined)
    throw new QueryError(
      'PS_REPLAY_INVALID',
      `the template does not capture hub ${hub}: --container and --name-format say where its files are`,
    );
  // Names of hubs know no case, those of blobs do.
  return {
    container,
    nameFormat,
    hub: found?.name ?? hub,
    namespace: azureNamespaceOf(eventHubs) ?? capture?.namespace ?? '',
  };
}

/** The name of the namespace on Azure; undefined for the embedded broker, whose files have that of the template. */
function azureNamespaceOf({ connectionString, namespace }: Config['eventHubs']): string | undefined {
  const host = /Endpoint=sb:\/\/([^/;]+)/i.exec(connectionString ?? '')?.[1] ?? namespace ?? '';
  return /^([a-z0-9-]+)\.servicebus\./i.exec(host)?.[1];
}

/** The instance of the data folder that was named, else what the environment names, else that of the default folder. */
function hubOf(config: Config, flags: SourceFlags): ServiceAccess {
  const configured = config.eventHubs.connectionString ?? config.eventHubs.namespace;
  if (flags.dataDir === undefined && configured !== undefined) return hubAccess(config);
  return { connectionString: readEndpoints(config.dataDir).eventHubsConnectionString };
}

/** The storage account, and the hub whose files are in it. */
function servicesOf(config: Config, flags: SourceFlags) {
  const configured = config.storage.connectionString ?? config.storage.account;
  if (flags.dataDir === undefined && configured !== undefined)
    return { storage: storageAccess(config), eventHubs: config.eventHubs };
  const { storageConnectionString, eventHubsConnectionString } = readEndpoints(config.dataDir);
  const storage: StorageAccess = { connectionString: storageConnectionString };
  return { storage, eventHubs: { hub: config.eventHubs.hub, connectionString: eventHubsConnectionString } };
}
