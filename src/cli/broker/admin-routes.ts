import type { AdminServerDeps } from '../../dashboard/index.js';
import { PenstockError } from '../../shared/errors.js';
import { askBroker } from './fetch-status.js';

const PATHS = { '/broker': '/', '/broker/status': '/status', '/broker/metrics': '/metrics' } as const;

/** How the connection string of an embedded broker is told from that of the service. */
export const isEmbedded = (connectionString: string) => /;\s*UseDevelopmentEmulator=true/i.test(connectionString);

/** The embedded broker's page, status and metrics under the admin port, behind its guard. Azure has its own. */
export function brokerRoutes(connectionString: string | undefined): AdminServerDeps['routes'][number] {
  return async (app) => {
    if (connectionString === undefined || !isEmbedded(connectionString)) return;
    for (const [path, source] of Object.entries(PATHS)) {
      app.get(path, async (request, reply) => {
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
