import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../../shared/logger.js';
import { PROBLEM_CONTENT_TYPE, Problem } from '../problem.js';

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds));
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="penstock"');
  hideFromPage(reply, problem);
  return reply.code(problem.status).header('content-type', PROBLEM_CONTENT_TYPE).send(problem.toJson());
}

/** A page that may not use a key may not read the answer either. */
export function hideFromPage(reply: FastifyReply, problem: Problem): void {
  if (problem.code !== 'PS_ORIGIN_NOT_ALLOWED') return;
  reply.removeHeader('access-control-allow-origin').removeHeader('access-control-allow-credentials');
}

/** Every refusal is problem details, whoever refuses: a route, Fastify, or Node's HTTP parser. */
export function addProblems(app: FastifyInstance, logger: Logger, allowed: Readonly<Record<string, string>>): void {
  app.setErrorHandler((error: FastifyError, _request, reply) => sendProblem(reply, problemOf(error, logger)));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] as string;
    const allow = Object.hasOwn(allowed, path) ? allowed[path] : undefined;
    if (allow === undefined) return sendProblem(reply, new Problem('PS_NOT_FOUND', 'Events go to POST /v1/events'));
    return sendProblem(reply.header('allow', allow), new Problem('PS_METHOD_NOT_ALLOWED', `Allowed here: ${allow}`));
  });
}

function problemOf(error: FastifyError, logger: Logger): Problem {
  const status = error.statusCode ?? 500;
  if (status === 413) return new Problem('PS_BODY_TOO_LARGE', 'The body is larger than this gateway takes');
  if (status >= 400 && status < 500) return new Problem('PS_REQUEST_INVALID', error.message);
  logger.error({ err: error }, 'a request failed');
  return new Problem('PS_INTERNAL', 'The gateway has logged what went wrong');
}

/** What Fastify refuses before it has found a route. */
export function onFrameworkError(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, new Problem('PS_REQUEST_INVALID', error.message));
}
