import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../shared/clock.js';
import { sendProblem } from '../shared/problem-answer.js';
import { closeSession, openSession, readSession } from './operations.js';
import { endSession, hasSession, issueSession, sameSecret } from './session.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without the token: the page itself (it holds no data), the login and the health checks. */
    public?: boolean;
  }
}

export interface GuardOptions {
  /** Without one the server must listen on loopback only. */
  readonly token?: string | undefined;
}

/** Everything comes from this server, and nothing runs that is not in a file of it: scripts in data stay text. */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/**
 * Guards every route of `app`, whoever registers it. Without a token the server is on loopback and its protection is
 * the machine, so a request must name this machine: a web page elsewhere that points its own name at 127.0.0.1 (DNS
 * rebinding) still sends its name in `Host`. With a token, the token decides.
 */
export function guard(app: FastifyInstance, clock: Clock, { token }: GuardOptions): void {
  const admitted = (request: FastifyRequest): boolean => {
    if (token === undefined) return true;
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (bearer !== undefined) return sameSecret(bearer, token);
    return hasSession(request.headers.cookie, token, clock.now());
  };

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    if (token === undefined && !namesThisMachine(request.headers.host)) {
      return sendProblem(reply, {
        status: 403,
        title: 'Forbidden',
        detail: 'the Host header does not name this machine',
      });
    }
    if (!sameOrigin(request))
      return sendProblem(reply, { status: 403, title: 'Forbidden', detail: 'the request comes from another origin' });
    if (!request.routeOptions.config.public && !admitted(request)) {
      reply.header('www-authenticate', 'Bearer realm="penstock"');
      return sendProblem(reply, {
        status: 401,
        title: 'Unauthorized',
        detail: 'give the admin token as a bearer token',
      });
    }
    return undefined;
  });

  app.get('/api/session', { config: { public: true, operation: readSession } }, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    return { required: token !== undefined, admitted: admitted(request) };
  });
  app.post<{ Body: { token?: unknown } | null }>(
    '/api/session',
    { config: { public: true, operation: openSession }, bodyLimit: 4096 },
    async (request, reply) => {
      const given = request.body?.token;
      if (token === undefined || typeof given !== 'string' || !sameSecret(given, token)) {
        return sendProblem(reply, { status: 401, title: 'Unauthorized', detail: 'this is not the admin token' });
      }
      reply.header('set-cookie', issueSession(token, clock.now(), request.protocol === 'https'));
      return reply.code(204).send();
    },
  );
  app.delete('/api/session', { config: { public: true, operation: closeSession } }, async (request, reply) => {
    reply.header('set-cookie', endSession(request.protocol === 'https'));
    return reply.code(204).send();
  });
}

/** Whether a `Host` header is `localhost`, a name under it, or a loopback address, with any port. */
export function namesThisMachine(host: string | undefined): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d+)?$/i.exec(host ?? '')?.[1]?.toLowerCase() ?? '';
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/** Browsers name the origin of requests that scripts and forms of other sites make; tools name none. */
function sameOrigin(request: FastifyRequest): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
