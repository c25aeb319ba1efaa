import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ClientQuery } from '../client.js';
import type { Client } from '../pipeline/client.js';
import type { Answer, Ingest, IngestRequest } from '../pipeline/ingest.js';
import { takeBody } from '../plugins/bodies.js';
import { sendProblem } from '../plugins/problems.js';
import { Problem } from '../problem.js';
import { cloudEventsParser } from '../protocols/cloudevents.js';
import { postEvents } from './operations.js';

export interface EventRouteDeps {
  readonly ingest: Ingest;
  readonly readClient: (message: IncomingMessage, query: ClientQuery) => Client;
}

/** Who asks, when it may send. Needs no body; `bodyKey` is a key that a foreign protocol has in its own. */
export function admit(
  { ingest, readClient }: EventRouteDeps,
  request: FastifyRequest,
  bodyKey?: string,
): IngestRequest | Problem {
  const { writeKey, dry_run: dryRun } = request.query as { writeKey?: unknown; dry_run?: unknown };
  return ingest.admit(readClient(request.raw, { writeKey: textOf(writeKey) ?? bodyKey, dryRun: textOf(dryRun) }));
}

const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/** A request whose write key was good, before its body is read. */
type AdmittedRequest = FastifyRequest & { admitted: IngestRequest | null };

/** `POST /v1/events`: one event, an array, `{events: […]}`, NDJSON, or CloudEvents. */
export function addEventRoute(app: FastifyInstance, deps: EventRouteDeps): void {
  app.decorateRequest('admitted', null);

  // Who asks comes first: a stranger costs a hash, and not the memory of a body.
  const onRequest = (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    const admitted = admit(deps, request);
    if (admitted instanceof Problem) {
      sendProblem(reply, admitted);
      return;
    }
    (request as AdmittedRequest).admitted = admitted;
    done();
  };

  app.post(
    '/v1/events',
    { onRequest, config: { operation: postEvents } },
    (request: FastifyRequest, reply: FastifyReply) => {
      const { admitted } = request as AdmittedRequest;
      if (admitted === null) throw new Error('a request came past its write key');
      const body = takeBody(request, reply);
      if (body instanceof Problem) return sendProblem(reply, body);
      const answer = deps.ingest.ingestBody(admitted, body, cloudEventsParser(request.headers));
      // What waits for the answer holds the reply, and nothing of what was asked.
      return answer instanceof Promise ? answer.then((later) => answerWith(reply, later)) : answerWith(reply, answer);
    },
  );
}

function answerWith(reply: FastifyReply, answer: Answer): FastifyReply | string {
  if (answer instanceof Problem) return sendProblem(reply, answer);
  if (answer.retryAfterSeconds !== undefined) reply.header('retry-after', String(answer.retryAfterSeconds));
  reply.header('content-type', JSON_CONTENT_TYPE);
  return answer.json;
}

/** A parameter of the query; of several, the first. */
function textOf(value: unknown): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : undefined;
}
