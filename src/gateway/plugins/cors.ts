import type { FastifyInstance } from 'fastify';
import type { Protocol } from '../protocols/protocol.js';

const PREFLIGHT = {
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers':
    'authorization, content-type, content-encoding, x-write-key, traceparent, x-retry-count, sp-anonymous',
  'access-control-max-age': '86400',
};
const EXPOSED = 'retry-after, x-penstock-outcome';

/**
 * Any site may send: the write key says who it is, and no cookie plays a part, so credentials are allowed only where a
 * protocol's browser library insists on sending them. A hook of our own, since it runs for every single event.
 */
export function addCors(app: FastifyInstance, protocols: readonly Protocol[]): void {
  const withCredentials = new Set(
    protocols.flatMap(({ withCredentials, routes }) => (withCredentials ? routes.flatMap(({ paths }) => paths) : [])),
  );
  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    if (origin === undefined) {
      done();
      return;
    }
    reply.header('access-control-allow-origin', origin).header('vary', 'Origin');
    if (withCredentials.has(pathOf(request.url))) reply.header('access-control-allow-credentials', 'true');
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      reply.headers(PREFLIGHT).code(204).send();
      return;
    }
    reply.header('access-control-expose-headers', EXPOSED);
    done();
  });
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}
