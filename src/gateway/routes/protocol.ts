import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../shared/clock.js';
import { type Results, readResults, resendOf } from '../pipeline/answer.js';
import type { IngestRequest, PostedBody } from '../pipeline/ingest.js';
import { takeBody } from '../plugins/bodies.js';
import { hideFromPage, sendProblem } from '../plugins/problems.js';
import { Problem } from '../problem.js';
import type { EventsRoute, Protocol, Reply, RequestHead } from '../protocols/protocol.js';
import { admit, type EventRouteDeps } from './events.js';

/** Who sent a request, when its headers or its query say so. */
type ForeignRequest = FastifyRequest & { sender: IngestRequest | null };

export interface ProtocolDeps extends EventRouteDeps {
  readonly clock: Pick<Clock, 'now'>;
}

/** The routes of a foreign protocol: decode, map, authenticate, ingest, and an answer in its own words. */
export function addProtocol(app: FastifyInstance, deps: ProtocolDeps, protocol: Protocol): void {
  if (!app.hasRequestDecorator('sender')) app.decorateRequest('sender', null);
  for (const route of protocol.routes) {
    for (const path of route.paths) {
      if ('page' in route)
        app.get(path, (request, reply) => send(reply, route.page(headOf(request, deps.clock.now()))));
      else addEventsRoute(app, deps, route, path);
    }
  }
}

function addEventsRoute(app: FastifyInstance, deps: ProtocolDeps, route: EventsRoute, path: string): void {
  // A key in the headers or the query is judged before the body is read. Only where there is none, the body may have it.
  const onRequest = (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    const sender = admit(deps, request);
    if (!(sender instanceof Problem)) (request as ForeignRequest).sender = sender;
    else if (sender.code !== 'PS_WRITE_KEY_MISSING') {
      refuse(reply, route, sender, headOf(request, deps.clock.now()));
      return;
    }
    done();
  };
  app.route({
    method: route.method,
    url: path,
    // Who asks for the head only has not sent an event.
    exposeHeadRoute: false,
    onRequest,
    handler: async (request, reply) => {
      const head = headOf(request, deps.clock.now());
      const posted = takeBody(request, reply);
      const outcome = posted instanceof Problem ? posted : await take(deps, route, { request, head, posted });
      if (outcome instanceof Problem) return refuse(reply, route, outcome, head);
      return send(reply, route.answer(readResults(outcome), head));
    },
  });
}

async function take(
  deps: EventRouteDeps,
  route: EventsRoute,
  { request, head, posted }: { request: FastifyRequest; head: RequestHead; posted: PostedBody },
): Promise<Results | Problem> {
  const mapped = await deps.ingest.readBody(posted, (body) => route.map(head, body));
  if (mapped instanceof Problem) return mapped;
  const sender = (request as ForeignRequest).sender ?? admit(deps, request, mapped.writeKey);
  if (sender instanceof Problem) return sender;
  return resendWhole(await deps.ingest.ingestMapped(sender, mapped));
}

/** Their clients can only send a whole request again. */
function resendWhole(results: Results | Problem): Results | Problem {
  return results instanceof Problem ? results : (resendOf(results) ?? results);
}

function headOf(request: FastifyRequest, receivedAtMs: number): RequestHead {
  return {
    route: request.routeOptions.url ?? '',
    params: request.params as Record<string, string>,
    query: request.query as Record<string, unknown>,
    headers: request.headers,
    receivedAtMs,
  };
}

function refuse(reply: FastifyReply, route: EventsRoute, problem: Problem, head: RequestHead): FastifyReply {
  if (route.refuse === undefined) return sendProblem(reply, problem);
  hideFromPage(reply, problem);
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds));
  return send(reply, route.refuse(problem, head));
}

function send(reply: FastifyReply, { status, headers, body }: Reply): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}
