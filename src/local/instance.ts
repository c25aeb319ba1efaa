import { join } from 'node:path';
import { type Config, strongestKeyOf } from '../shared/config/index.js';
import type { Endpoints } from '../shared/endpoints.js';
import { ROLES_KILL_MS, SERVICES_KILL_MS } from '../shared/stop-deadlines.js';
import { azuriteConnectionString, azuriteProcess } from './azurite.js';
import { LocalError } from './errors.js';
import { findFreePort, isPortFree } from './free-port.js';
import type { LocalKeys } from './keys.js';
import type { ProcessSpec, ReadyFacts } from './process-spec.js';
import { redisProcess, redisUrl, stopLeftoverRedis } from './redis.js';
import { type Supervised, type SupervisorDeps, supervise } from './supervisor.js';

export interface InstanceDeps extends SupervisorDeps {
  /** The process that runs one role of Penstock itself. */
  roleProcess(role: string, args: readonly string[], env: Readonly<Record<string, string>>): ProcessSpec;
  /** The value of PATH, to find redis-server in. */
  readonly searchPath: string;
}

export interface Instance {
  readonly endpoints: Omit<Endpoints, 'pid'>;
  readonly parts: readonly Supervised[];
  stop(): Promise<void>;
}

interface Ports {
  readonly gateway: number;
  readonly admin: number;
  readonly broker: number;
}

/**
 * Starts everything that the configuration does not point elsewhere for: first the services (broker, Azurite, Redis),
 * then the roles with the services' addresses in their environment.
 */
export async function startInstance(deps: InstanceDeps, config: Config, keys: LocalKeys): Promise<Instance> {
  const ports = await choosePorts(config);
  const parts: { roles: Supervised[]; services: Supervised[] } = { roles: [], services: [] };
  const run = async (group: Supervised[], spec: ProcessSpec): Promise<ReadyFacts> => {
    const { process, facts } = await supervise(deps, spec);
    group.push(process);
    return facts;
  };
  // Roles stop before what they use.
  const stop = async () => {
    await Promise.all(parts.roles.map((part) => part.stop(ROLES_KILL_MS)));
    await Promise.all(parts.services.map((part) => part.stop(SERVICES_KILL_MS)));
  };
  try {
    const services = await startServices(deps, config, keys, ports, (spec) => run(parts.services, spec));
    const sources =
      config.gateway.sources.length > 0 ? config.gateway.sources : [{ name: 'local', writeKey: keys.writeKey }];
    const env = { ...services.env, ...roleEnvironment(config, ports, sources) };
    const campaign = config.retentionCampaign.webhookUrl === undefined ? [] : ['retention-campaign'];
    const roles = [
      ['gateway'],
      ['aggregate'],
      ['dashboard'],
      ['consume', 'audit', 'live-figures', ...campaign],
    ] as const;
    const [gateway, , dashboard] = await Promise.all(
      roles.map(([role, ...args]) => run(parts.roles, deps.roleProcess(role, args, env))),
    );
    return {
      parts: [...parts.services, ...parts.roles],
      stop,
      endpoints: {
        gateway: String(gateway?.['url']),
        admin: String(dashboard?.['url']),
        ...services.endpoints,
        writeKey: sources[0] === undefined ? keys.writeKey : (strongestKeyOf(sources[0]) ?? keys.writeKey),
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Ports stay the same over restarts of a part, so a free one is chosen here and not by the part. */
async function choosePorts(config: Config): Promise<Ports> {
  const choose = async (wanted: number, host: string, flag: string) => {
    if (wanted === 0) return findFreePort(host);
    if (await isPortFree(wanted, host)) return wanted;
    throw new LocalError('PS_LOCAL_START', `port ${wanted} of ${host} is in use: choose another with ${flag}`);
  };
  return {
    gateway: await choose(config.gateway.port, config.gateway.host, '--port'),
    admin: await choose(config.admin.port, config.admin.host, '--admin-port'),
    broker: needsBroker(config) ? await choose(config.broker.port, config.broker.host, '--broker-port') : 0,
  };
}

function needsBroker(config: Config): boolean {
  return [config.serviceBus, config.eventHubs].some(
    (service) => service.connectionString === undefined && service.namespace === undefined,
  );
}

interface Services {
  /** What the roles find the services by. */
  readonly env: Readonly<Record<string, string>>;
  readonly endpoints: Pick<
    Endpoints,
    'serviceBusConnectionString' | 'eventHubsConnectionString' | 'storageConnectionString' | 'redisUrl' | 'caFile'
  >;
}

async function startServices(
  deps: InstanceDeps,
  config: Config,
  keys: LocalKeys,
  ports: Ports,
  run: (spec: ProcessSpec) => Promise<ReadyFacts>,
): Promise<Services> {
  const dataDir = config.dataDir;
  const ownStorage = config.storage.connectionString === undefined && config.storage.account === undefined;
  const azurite = ownStorage
    ? { dir: join(dataDir, 'azurite'), port: await findFreePort(), accountKey: keys.storageKey }
    : undefined;
  const startBroker = async () => {
    if (!needsBroker(config)) return undefined;
    const env: Record<string, string> = { PENSTOCK_BROKER_PORT: String(ports.broker), PENSTOCK_DATA_DIR: dataDir };
    // For Capture, which waits until it is there.
    if (azurite) env['PENSTOCK_STORAGE_CONNECTION_STRING'] = azuriteConnectionString(azurite);
    return (await run(deps.roleProcess('broker', [], env))) as { connectionString: string; caFile: string };
  };
  const startStorage = async () => {
    if (azurite === undefined) return undefined;
    await run(azuriteProcess(azurite));
    return azuriteConnectionString(azurite);
  };
  const startRedis = async () => {
    if (config.redis.url !== undefined) return undefined;
    const dir = join(dataDir, 'redis');
    await stopLeftoverRedis(dir);
    const options = { dir, port: await findFreePort(), password: keys.redisPassword, searchPath: deps.searchPath };
    await run(redisProcess(options));
    return redisUrl(options);
  };
  const settled = await Promise.allSettled([startBroker(), startStorage(), startRedis()]);
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  const [broker, storage, redis] = settled.map((result) => (result as PromiseFulfilledResult<unknown>).value) as [
    { connectionString: string; caFile: string } | undefined,
    string | undefined,
    string | undefined,
  ];

  const env: Record<string, string> = {};
  const use = (service: Config['serviceBus'] | Config['eventHubs'], name: string) => {
    if (service.namespace !== undefined) return service.namespace;
    const value = service.connectionString ?? broker?.connectionString ?? '';
    env[name] = value;
    return value;
  };
  const serviceBus = use(config.serviceBus, 'PENSTOCK_SERVICEBUS_CONNECTION_STRING');
  const eventHubs = use(config.eventHubs, 'PENSTOCK_EVENTHUBS_CONNECTION_STRING');
  if (storage !== undefined) env['PENSTOCK_STORAGE_CONNECTION_STRING'] = storage;
  if (redis !== undefined) env['PENSTOCK_REDIS_URL'] = redis;
  return {
    env,
    endpoints: {
      serviceBusConnectionString: serviceBus,
      eventHubsConnectionString: eventHubs,
      storageConnectionString: storage ?? config.storage.connectionString ?? config.storage.account ?? '',
      redisUrl: redis ?? config.redis.url ?? '',
      ...(broker && { caFile: broker.caFile }),
    },
  };
}

function roleEnvironment(
  config: Config,
  ports: Ports,
  sources: Config['gateway']['sources'],
): Readonly<Record<string, string>> {
  return {
    PENSTOCK_DATA_DIR: config.dataDir,
    PENSTOCK_PORT: String(ports.gateway),
    PENSTOCK_WORKERS: String(config.gateway.workers),
    PENSTOCK_ADMIN_PORT: String(ports.admin),
    PENSTOCK_SOURCES: JSON.stringify(sources),
  };
}
