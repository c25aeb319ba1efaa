import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem.js';
import type { Protocol } from '../protocols/protocol.js';
import { sendProblem } from './problems.js';

const PREFLIGHT = {
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-max-age': '86400',
};
const EXPOSED = 'retry-after, x-penstock-outcome';

/** Which pages may read answers, all sources together: a preflight names no source. */
export interface CorsOrigins {
  /** Some source has no list: then any page may be one of its. */
  readonly any: boolean;
  /** Those that some source lists. Their trackers may ask with credentials, since they are known. */
  readonly listed: ReadonlySet<string>;
}

export function corsOriginsOf(sources: readonly { readonly origins?: readonly string[] | undefined }[]): CorsOrigins {
  return {
    any: sources.some(({ origins }) => origins === undefined),
    listed: new Set(sources.flatMap(({ origins }) => origins ?? [])),
  };
}

/**
 * What browsers ask before they let a page send. Whether a page may use the write key that it sends with is decided when
 * that is known. No cookie plays a part, so credentials are allowed only to pages that are listed, and where a protocol's
 * browser library insists on sending them. A hook of our own, since it runs for every single event.
 */
export function addCors(app: FastifyInstance, { any, listed }: CorsOrigins, protocols: readonly Protocol[]): void {
  const withCredentials = new Set(
    protocols.flatMap(({ withCredentials, routes }) => (withCredentials ? routes.flatMap(({ paths }) => paths) : [])),
  );
  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    if (origin === undefined) {
      done();
      return;
    }
    const isPreflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    const isListed = listed.has(origin);
    reply.header('vary', 'Origin');
    if (!any && !isListed) {
      if (isPreflight) sendProblem(reply, new Problem('PS_ORIGIN_NOT_ALLOWED', 'No source lists this origin'));
      else done();
      return;
    }
    reply.header('access-control-allow-origin', origin);
    if (isListed || withCredentials.has(pathOf(request.url))) reply.header('access-control-allow-credentials', 'true');
    if (isPreflight) {
      // Every library has headers of its own, pages add traces and CloudEvents attributes, and none of them is dangerous.
      const headers = request.headers['access-control-request-headers'];
      if (headers !== undefined) reply.header('access-control-allow-headers', headers);
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
