import type { Command } from 'commander';
import { type AdminServerDeps, type Intake, startAdminServer } from '../dashboard/index.js';
import { createHubReader } from '../messaging/index.js';
import {
  connectLiveRedis,
  createLiveSource,
  createNewestPositions,
  eventRoutes,
  liveRoutes,
  systemRoutes,
  visitorRoutes,
} from '../query/index.js';
import { delay } from '../shared/clock.js';
import { readEndpoints } from '../shared/endpoints.js';
import { messageOf } from '../shared/errors.js';
import { brokerRoutes } from './broker/admin-routes.js';
import { surroundings } from './dashboard-surroundings.js';
import type { GatewayPlace } from './gateway/ask.js';
import { askWhere, gatewayRoutes } from './gateway-routes.js';
import { roomForConnections } from './open-files.js';
import { ownDataDir, port } from './options.js';
import { type RoleContext, type RunningRole, runRole } from './role.js';
import { hubAccess, redisUrl } from './services.js';

/** Shared with `penstock replay`: both read on demand, beside the aggregators. */
const READER_GROUP = 'replay';
const HUB_CLOSE_MS = 1_000;

interface DashboardFlags {
  readonly adminHost?: string;
  readonly adminPort?: number;
  readonly dataDir?: string;
}

export function register(command: Command): void {
  command
    .option(
      '--admin-host <address>',
      'address to listen on; any but loopback needs PENSTOCK_ADMIN_TOKEN (default: 127.0.0.1)',
    )
    .option('--admin-port <port>', 'port to listen on; 0 takes any free one (default: 8081)', port)
    .option(...ownDataDir)
    .action((flags: DashboardFlags) =>
      runRole(
        'dashboard',
        { 'admin.host': flags.adminHost, 'admin.port': flags.adminPort, dataDir: flags.dataDir },
        startDashboard,
      ),
    );
}

async function startDashboard({ config, logger, clock }: RoleContext): Promise<RunningRole> {
  const redis = connectLiveRedis(redisUrl(config), (error) =>
    logger.warn({ reason: messageOf(error) }, 'Redis is away'),
  );
  const source = createLiveSource(redis, clock);
  const gateway = (): GatewayPlace | undefined => {
    const intake = intakeOf(config.dataDir);
    return intake && { url: intake.url, certificateFile: config.gateway.tls?.cert };
  };
  const { connectionString, namespace, hub } = config.eventHubs;
  const isHubKnown = connectionString !== undefined || namespace !== undefined;
  const openReader = () => createHubReader(hubAccess(config), { hub, consumerGroup: READER_GROUP });
  const newest = isHubKnown ? createNewestPositions(openReader, clock) : undefined;
  const queries: AdminServerDeps['routes'][number] = async (app) => {
    await app.register(liveRoutes, { source });
    const around = () => surroundings(config, gateway(), newest);
    await app.register(systemRoutes, { source, surroundings: around, clock });
    await app.register(eventRoutes, {
      ask: (id) => askWhere(gateway(), id),
      hub: `hub:${hub}`,
      openReader: isHubKnown ? openReader : undefined,
      clock,
    });
    if (!isHubKnown) return;
    await app.register(visitorRoutes, { openReader, clock });
  };
  const server = await startAdminServer(
    {
      live: source,
      readHealth: source.readHealth,
      readTotals: source.readTotals,
      routes: [queries, brokerRoutes(config.serviceBus.connectionString), gatewayRoutes(gateway)],
      intake: () => intakeOf(config.dataDir),
      clock,
      logger,
    },
    { ...config.admin, maxConnections: roomForConnections() },
  );
  return {
    ready: { url: server.url },
    async stop() {
      await server.stop();
      // A hub that is away may take its time.
      await Promise.race([newest?.close(), delay(clock, HUB_CLOSE_MS)]);
      source.close();
      redis.disconnect();
    },
  };
}

/** Known where everything runs on this machine: `start` has written down the gateway's address. */
function intakeOf(dataDir: string): Intake | undefined {
  try {
    const { gateway, writeKey } = readEndpoints(dataDir);
    return { url: gateway, writeKey };
  } catch {
    return undefined;
  }
}
