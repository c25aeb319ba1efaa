import type { AdminServerDeps } from '../../dashboard/index.js';
import { PenstockError } from '../../shared/errors.js';
import { type Operation, textOf } from '../../shared/openapi.js';
import { askBroker } from './fetch-status.js';

const away = textOf('The broker does not answer.');

/** Each with the broker's own path and with what it does; the page is for people. */
const PATHS: Readonly<Record<string, readonly [source: string, operation?: () => Operation]>> = {
  '/broker': ['/'],
  '/broker/status': [
    '/status',
    () => ({
      operationId: 'readBrokerStatus',
      summary: 'The entities of the embedded broker, with counts and lags: docs/broker.md',
      responses: { 200: { description: 'As of now.', content: { 'application/json': {} } }, 503: away },
    }),
  ],
  '/broker/metrics': [
    '/metrics',
    () => ({
      operationId: 'readBrokerPrometheus',
      summary: "The embedded broker, in Prometheus' text format",
      responses: { 200: textOf('As of now.'), 503: away },
    }),
  ],
};

/** How the connection string of an embedded broker is told from that of the service. */
export const isEmbedded = (connectionString: string) => /;\s*UseDevelopmentEmulator=true/i.test(connectionString);

/** The embedded broker's page, status and metrics under the admin port, behind its guard. Azure has its own. */
export function brokerRoutes(connectionString: string | undefined): AdminServerDeps['routes'][number] {
  return async (app) => {
    if (connectionString === undefined || !isEmbedded(connectionString)) return;
    for (const [path, [source, operation]] of Object.entries(PATHS)) {
      app.get(path, { config: operation === undefined ? {} : { operation } }, async (request, reply) => {
        try {
          const { status, headers, text } = await askBroker({ connectionString, ca: undefined }, source);
          reply.headers({
            'cache-control': 'no-store',
            // The broker's page brings its own script and style, and the hashes of both.
            ...(headers['content-security-policy'] && {
              'content-security-policy': headers['content-security-policy'],
            }),
          });
          return reply
            .code(status)
            .type(headers['content-type'] ?? 'text/plain')
            .send(text);
        } catch (error) {
          if (!(error instanceof PenstockError)) throw error;
          request.log.warn({ code: error.code }, 'the broker does not answer');
          return reply.code(503).type('text/plain').send('The broker does not answer.\n');
        }
      });
    }
  };
}
