import { type FastifyInstance, fastify } from 'fastify';
import type { DeviceType } from '../events/index.js';
import type { Clock } from '../shared/clock.js';
import type { Logger } from '../shared/logger.js';
import { boundPipelining } from '../shared/pipelining.js';
import { createCutLog, createRefusalLog } from '../shared/refusal-log.js';
import type { Certificate, SecureServer } from './certificate.js';
import { createClientReader } from './client.js';
import type { GatewayMetrics, MetricsText } from './metrics/index.js';
import type { Ingest } from './pipeline/ingest.js';
import { takeBodiesAsBytes } from './plugins/bodies.js';
import { createOnClientError } from './plugins/broken-requests.js';
import { addConnectionLimits, type ConnectionLimits } from './plugins/connections.js';
import { addCors, type CorsOrigins } from './plugins/cors.js';
import { lingerOnEnd } from './plugins/lingering.js';
import { addProblems, onFrameworkError } from './plugins/problems.js';
import { addTracing } from './plugins/tracing.js';
import type { Protocol } from './protocols/protocol.js';
import type { Budget } from './publish/budget.js';
import type { Readiness } from './readiness.js';
import { addEventRoute } from './routes/events.js';
import { addHealthRoutes } from './routes/health.js';
import { addMetricsRoute } from './routes/metrics.js';
import { addApiRoute } from './routes/openapi.js';
import { addPixelRoute } from './routes/pixel.js';
import { addProtocol } from './routes/protocol.js';
import { trackerRoute } from './routes/tracker.js';
import { addWebhookRoutes, type WebhookDeps } from './routes/webhook.js';
import { addWhereRoute } from './routes/where.js';
import type { Whereabouts } from './where.js';

export interface AppDeps {
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly ingest: Ingest;
  readonly budget: Pick<Budget, 'openHold' | 'retryAfterSeconds'>;
  readonly deviceOf: (userAgent: string) => DeviceType;
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
  readonly protocols: readonly Protocol[];
  /** What is told of the gateway as a whole, however many processes it has. */
  readonly about: {
    readonly readiness: () => Promise<Readiness>;
    readonly metricsText: () => Promise<MetricsText>;
    readonly whereIs: (id: string) => Promise<Whereabouts>;
  };
  readonly webhooks: Pick<WebhookDeps, 'clock' | 'sources'>;
}

export interface HttpOptions extends ConnectionLimits {
  readonly trustedProxies: readonly string[];
  readonly origins: CorsOrigins;
  /** How long a request may wait for its broker. */
  readonly publishTimeoutMs: number;
  /** How long the headers of a request may take, and the whole of it. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** HTTPS, with this certificate; without one HTTP. */
  readonly certificate?: Pick<Certificate, 'pair' | 'serve'> | undefined;
  /** Most bytes of the request line and headers. */
  readonly headerBytes: number;
}

/** How often Node looks for requests that are over their time. */
const TIMEOUT_CHECK_INTERVAL_MS = 1000;

const ALLOWED_METHODS = {
  '/v1/events': 'POST, OPTIONS',
  '/v1/pixel.gif': 'GET, OPTIONS',
  '/penstock.js': 'GET, HEAD, OPTIONS',
  '/livez': 'GET, HEAD',
  '/readyz': 'GET, HEAD',
  '/openapi.json': 'GET, HEAD, OPTIONS',
  '/metrics': 'GET, HEAD',
  '/where': 'GET, HEAD',
};

/** The HTTP side of the gateway: routes and refusals around an ingest pipeline. Not yet listening. */
export function createApp(deps: AppDeps, options: HttpOptions): FastifyInstance {
  const { certificate } = options;
  const server = {
    headersTimeout: options.headersTimeoutMs,
    maxHeaderSize: options.headerBytes,
    // Node's own refusal says nothing: addConnectionLimits has one that does.
    requireHostHeader: false,
    // Whatever the process was started with: a lenient parser is how requests are smuggled.
    insecureHTTPParser: false,
    connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
  };
  const app = fastify({
    // A line for every event would cost more than the event.
    logger: false,
    // They would stand in its lines.
    genReqId: () => '',
    bodyLimit: options.bodyBytes,
    requestTimeout: options.requestTimeoutMs,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    // On which nothing moves, though no request is awaited: its client does not read what it was answered.
    connectionTimeout: options.publishTimeoutMs + options.keepAliveTimeoutMs,
    // A handshake is to take no longer than headers may.
    ...(certificate === undefined
      ? { http: server }
      : { https: { ...server, ...certificate.pair, handshakeTimeout: options.headersTimeoutMs } }),
    routerOptions: { maxParamLength: 100 },
    frameworkErrors: onFrameworkError,
    clientErrorHandler: createOnClientError(deps.clock, options.headerBytes),
    return503OnClosing: false,
  }) as FastifyInstance;
  certificate?.serve(app.server as unknown as SecureServer);
  lingerOnEnd(app.server, certificate === undefined ? 'connection' : 'secureConnection', deps.clock);
  const tellOfCut = createCutLog(deps.clock, deps.logger);
  boundPipelining(app.server, () => {
    deps.metrics.connectionCut();
    tellOfCut();
  });
  const tellOfRefusal = createRefusalLog(deps.clock, deps.logger, options.connections);
  addConnectionLimits(app, options, () => {
    deps.metrics.connectionRefused();
    tellOfRefusal();
  });
  takeBodiesAsBytes(app, deps.budget, options);
  addTracing(app);
  addCors(app, options.origins, deps.protocols);
  addProblems(app, deps.logger, { ...methodsOf(deps.protocols), ...ALLOWED_METHODS });

  const readClient = createClientReader({ deviceOf: deps.deviceOf, trustedProxies: options.trustedProxies });
  addApiRoute(app);
  addEventRoute(app, { ingest: deps.ingest, readClient });
  addPixelRoute(app, { ingest: deps.ingest, readClient });
  const { ingest, clock } = deps;
  for (const protocol of deps.protocols) addProtocol(app, { ingest, readClient, clock }, protocol);
  if (deps.webhooks.sources.size > 0) addWebhookRoutes(app, { ingest: deps.ingest, readClient, ...deps.webhooks });
  addHealthRoutes(app, deps.about.readiness);
  addMetricsRoute(app, deps.metrics, deps.about.metricsText);
  addWhereRoute(app, deps.about.whereIs);
  app.register(trackerRoute);
  return app;
}

/** The methods of each path that a foreign protocol has, as `Allow` lists them. */
function methodsOf(protocols: readonly Protocol[]): Record<string, string> {
  const methods: Record<string, string[]> = {};
  for (const { method, paths } of protocols.flatMap(({ routes }) => routes)) {
    for (const path of paths) methods[path] = [...(methods[path] ?? []), method];
  }
  return Object.fromEntries(Object.entries(methods).map(([path, list]) => [path, [...list, 'OPTIONS'].join(', ')]));
}
