import { type FastifyInstance, fastify } from 'fastify';
import type { DeviceType } from '../events/index.js';
import type { Logger } from '../shared/logger.js';
import { createClientReader } from './client.js';
import type { GatewayMetrics } from './metrics/index.js';
import type { Ingest } from './pipeline/ingest.js';
import { addCors, type CorsOrigins } from './plugins/cors.js';
import { addProblems, onClientError, onFrameworkError } from './plugins/problems.js';
import type { Protocol } from './protocols/protocol.js';
import type { Sink } from './publish/sink.js';
import { addEventRoute } from './routes/events.js';
import { addHealthRoutes } from './routes/health.js';
import { addMetricsRoute } from './routes/metrics.js';
import { addPixelRoute } from './routes/pixel.js';
import { addProtocol } from './routes/protocol.js';
import { trackerRoute } from './routes/tracker.js';
import { addWebhookRoutes, type WebhookDeps } from './routes/webhook.js';

export interface AppDeps {
  readonly ingest: Ingest;
  readonly sinks: readonly Sink[];
  readonly deviceOf: (userAgent: string) => DeviceType;
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
  readonly protocols: readonly Protocol[];
  readonly webhooks: Pick<WebhookDeps, 'clock' | 'sources'>;
}

export interface HttpOptions {
  readonly trustedProxies: readonly string[];
  readonly origins: CorsOrigins;
  /** Largest body as it arrives. */
  readonly bodyBytes: number;
  /** How long the headers of a request may take, and the whole of it. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/** How often Node looks for requests that are over their time. */
const TIMEOUT_CHECK_INTERVAL_MS = 1000;

const ALLOWED_METHODS = {
  '/v1/events': 'POST, OPTIONS',
  '/v1/pixel.gif': 'GET, HEAD, OPTIONS',
  '/penstock.js': 'GET, HEAD, OPTIONS',
  '/livez': 'GET, HEAD',
  '/readyz': 'GET, HEAD',
  '/metrics': 'GET, HEAD',
};

/** The HTTP side of the gateway: routes and refusals around an ingest pipeline. Not yet listening. */
export function createApp(deps: AppDeps, options: HttpOptions): FastifyInstance {
  const app = fastify({
    // A line for every event would cost more than the event.
    logger: false,
    bodyLimit: options.bodyBytes,
    requestTimeout: options.requestTimeoutMs,
    http: { headersTimeout: options.headersTimeoutMs, connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS },
    routerOptions: { maxParamLength: 100 },
    frameworkErrors: onFrameworkError,
    clientErrorHandler: onClientError,
    return503OnClosing: false,
  });
  takeBodiesAsBytes(app);
  addCors(app, options.origins, deps.protocols);
  addProblems(app, deps.logger, { ...methodsOf(deps.protocols), ...ALLOWED_METHODS });

  const readClient = createClientReader({ deviceOf: deps.deviceOf, trustedProxies: options.trustedProxies });
  addEventRoute(app, { ingest: deps.ingest, readClient });
  addPixelRoute(app, { ingest: deps.ingest, readClient });
  for (const protocol of deps.protocols) addProtocol(app, { ingest: deps.ingest, readClient }, protocol);
  if (deps.webhooks.sources.size > 0) addWebhookRoutes(app, { ingest: deps.ingest, readClient, ...deps.webhooks });
  addHealthRoutes(app, deps.sinks);
  addMetricsRoute(app, deps.metrics);
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

/** `type/subtype` (RFC 9110, section 8.3.1), whatever its parameters. */
const SOUND_CONTENT_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/;

/**
 * Bodies are taken as bytes under any content type, and under nonsense, which Fastify would refuse: what they are is
 * the pipeline's to find out.
 */
function takeBodiesAsBytes(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const contentType = request.headers['content-type'];
    if (contentType !== undefined && !SOUND_CONTENT_TYPE.test(contentType)) {
      request.headers['content-type'] = 'application/octet-stream';
    }
    done();
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}
