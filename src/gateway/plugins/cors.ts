import type { FastifyInstance } from 'fastify';

const PREFLIGHT = {
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': 'authorization, content-type, content-encoding, x-write-key, traceparent',
  'access-control-max-age': '86400',
};
const EXPOSED = 'retry-after, x-penstock-outcome';

/**
 * Any site may send: the write key says who it is, and no cookie plays a part, so credentials are never allowed. A hook
 * of our own, since it runs for every single event.
 */
export function addCors(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    if (origin === undefined) {
      done();
      return;
    }
    reply.header('access-control-allow-origin', origin).header('vary', 'Origin');
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      reply.headers(PREFLIGHT).code(204).send();
      return;
    }
    reply.header('access-control-expose-headers', EXPOSED);
    done();
  });
}
