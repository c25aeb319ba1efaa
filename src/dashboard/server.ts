import { STATUS_CODES } from 'node:http';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  LogController,
} from 'fastify';
import type { Clock } from '../shared/clock.js';
import { createUuidV7Source } from '../shared/ids.js';
import { listenError } from '../shared/listen-error.js';
import type { LiveSource } from '../shared/live.js';
import type { Logger } from '../shared/logger.js';
import { hostToListenOn } from '../shared/loopback.js';
import type { PartitionHealth } from '../shared/partition-health.js';
import { boundPipelining } from '../shared/pipelining.js';
import { sendProblem } from '../shared/problem-answer.js';
import { createCutLog, createRefusalLog } from '../shared/refusal-log.js';
import { guard } from './guard.js';
import { health } from './health.js';
import { createLiveFeed, type LiveFeedOptions, liveFeedDefaults } from './live-feed.js';
import { liveStream } from './live-stream.js';
import { metrics } from './metrics.js';
import { openApi } from './openapi.js';
import { readIntake } from './operations.js';
import { pages } from './pages.js';
import { withTimeout } from './with-timeout.js';

export interface AdminServerDeps {
  readonly live: LiveSource;
  /** How far the readers of the partitions are, where somebody knows. */
  readonly readHealth?: () => Promise<ReadonlyMap<string, PartitionHealth>>;
  /** What became of the events of the hub, where somebody knows. */
  readonly readTotals?: () => Promise<Readonly<Record<string, number>>>;
  /** Further routes under `/api`; they are guarded as the dashboard's own are. */
  readonly routes: readonly FastifyPluginAsync[];
  /** Where events can be sent and with which key, if that is known; for the page that nothing has reached yet. */
  readonly intake?: () => Intake | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Intake {
  readonly url: string;
  readonly writeKey: string;
}

export interface AdminServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Must be given unless `host` is loopback. */
  readonly token?: string | undefined;
  /** Most connections at once, where that is less than the server would take. */
  readonly maxConnections?: number;
  /** Where the built page lies; by default where the build puts it. */
  readonly webFolder?: string;
  readonly feed?: Partial<LiveFeedOptions>;
}

export interface AdminServer {
  readonly url: string;
  /** Ends the viewers' streams and closes the port. Idempotent. */
  stop(): Promise<void>;
}

/** Most connections at once, whatever the machine could bear. */
const MAX_CONNECTIONS = 5000;
/** An event's id of 256 characters, each of up to three bytes as `%xx`. */
const MAX_PARAM_LENGTH = 256 * 9;

/**
 * The admin port: the dashboard, its live stream, health, metrics, the routes that are given, and a description of all.
 * @throws ListenError PS_PORT_UNAVAILABLE
 */
export async function startAdminServer(deps: AdminServerDeps, options: AdminServerOptions): Promise<AdminServer> {
  const { live, clock, logger } = deps;
  const app: FastifyInstance = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    bodyLimit: 1024 * 1024,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // An address that is none comes to no route, and to no error handler.
    frameworkErrors: ({ statusCode = 400 }, _request, reply: FastifyReply) =>
      sendProblem(reply, { status: statusCode, title: STATUS_CODES[statusCode] ?? 'Bad Request' }),
  });
  const feed = createLiveFeed(
    {
      source: live,
      clock,
      epoch: createUuidV7Source(clock.now).next(),
      onReadError(error) {
        counters.countReadError();
        logger.warn({ err: error }, 'the live figures cannot be read');
      },
    },
    { ...liveFeedDefaults, ...options.feed },
  );
  openApi(app, options);
  guard(app, clock, options);
  const inTime = <T>(reading: Promise<T>) => withTimeout(reading, liveFeedDefaults.readTimeoutMs, clock);
  const counters = metrics(app, {
    viewersOf: () => feed.viewers,
    readFigures: () => inTime(live.read()),
    readHealth: () => inTime(deps.readHealth?.() ?? Promise.resolve(new Map())),
    readTotals: async () => deps.readTotals && inTime(deps.readTotals()),
  });
  const tellOfCut = createCutLog(clock, logger);
  boundPipelining(app.server, () => {
    counters.countCut();
    tellOfCut();
  });
  app.server.maxConnections = Math.min(MAX_CONNECTIONS, options.maxConnections ?? MAX_CONNECTIONS);
  const tellOfRefusal = createRefusalLog(clock, logger, app.server.maxConnections);
  app.server.on('drop', () => {
    counters.countRefused();
    tellOfRefusal();
  });
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, { status: 404, title: 'Not Found' }));
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    // What went wrong inside is for the log, not for whoever asks.
    if (status < 500)
      return sendProblem(reply, { status, title: STATUS_CODES[status] ?? 'Bad Request', detail: error.message });
    request.log.error({ err: error }, 'a request failed');
    return sendProblem(reply, { status, title: 'Internal Server Error' });
  });
  pages(app, options.webFolder);
  health(app, live, clock);
  liveStream(app, feed, counters.countMessage);
  app.get('/api/intake', { config: { operation: readIntake } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return { intake: deps.intake?.() ?? null };
  });
  for (const routes of deps.routes) await app.register(routes);
  app.addHook('preClose', async () => feed.stop());
  const url = await listen(app, options);
  return { url, stop: () => app.close() };
}

async function listen(app: FastifyInstance, { host, port }: AdminServerOptions): Promise<string> {
  try {
    return await app.listen({ host: hostToListenOn(host), port });
  } catch (cause) {
    await app.close();
    throw listenError({ host, port }, cause);
  }
}
