import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createGathering, noRoom } from '../pipeline/gather.js';
import type { PostedBody } from '../pipeline/ingest.js';
import { Problem } from '../problem.js';
import { type Budget, HOLDS_NOTHING, type Hold } from '../publish/budget.js';

export interface BodyOptions {
  /** Largest body as it arrives. */
  readonly bodyBytes: number;
}

/** A body that was read, and what of the budget it holds. */
interface ReadBody {
  readonly bytes: Buffer;
  readonly hold: Hold;
}

type BodyBudget = Pick<Budget, 'openHold' | 'retryAfterSeconds'>;

/** `type/subtype` (RFC 9110, section 8.3.1), whatever its parameters. */
const SOUND_CONTENT_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/;

/**
 * Bodies are taken as bytes under any content type, and under nonsense, which Fastify would refuse: what they are is
 * the pipeline's to find out. What they take of memory is counted as they come, and before it is there. A body that is
 * refused is given to its route as a problem, to be answered in the words of the route's protocol.
 */
export function takeBodiesAsBytes(app: FastifyInstance, budget: BodyBudget, options: BodyOptions): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const contentType = request.headers['content-type'];
    if (contentType !== undefined && !SOUND_CONTENT_TYPE.test(contentType)) {
      request.headers['content-type'] = 'application/octet-stream';
    }
    done();
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request, payload, done) => {
    // Nobody will read it: Node lets it pass by.
    if (request.is404) done(null);
    else readBody(payload, budget, options, done);
  });
}

type Done = (error: Error | null, body?: ReadBody | Problem) => void;

function readBody(payload: IncomingMessage, budget: BodyBudget, { bodyBytes }: BodyOptions, done: Done): void {
  const { 'content-length': contentLength } = payload.headers;
  const expectedBytes = contentLength === undefined ? undefined : Number(contentLength);
  const hold = budget.openHold();
  const gathering = createGathering(hold, { limitBytes: bodyBytes, expectedBytes });

  const end = (error: Error | null, body?: ReadBody | Problem) => {
    payload.off('data', onData).off('end', onEnd).off('error', onError);
    if (error !== null || body instanceof Problem) hold.release();
    // A client that broke off in the middle is told so as good as it can be.
    done(error === null ? null : Object.assign(error, { statusCode: 400 }), body);
  };
  const onData = (piece: Buffer) => {
    const gathered = gathering.add(piece);
    if (gathered === 'taken') return;
    end(null, gathered === 'too_large' ? tooLarge(bodyBytes) : noRoom(budget.retryAfterSeconds()));
    payload.resume();
  };
  const onEnd = () => end(null, { bytes: gathering.bytes(), hold });
  const onError = (error: Error) => end(error);

  if (expectedBytes !== undefined && expectedBytes > bodyBytes) end(null, tooLarge(bodyBytes));
  else if (!hold.claim(expectedBytes ?? 0)) end(null, noRoom(budget.retryAfterSeconds()));
  else payload.on('data', onData).on('end', onEnd).on('error', onError);
}

const tooLarge = (bodyBytes: number) => new Problem('PS_BODY_TOO_LARGE', `A body may have ${bodyBytes} bytes`);

const NO_BODY: ReadBody = { bytes: Buffer.alloc(0), hold: HOLDS_NOTHING };

/** Takes the body of a request off it, so that it does not wait in memory with the request for the answer. */
export function takeBody(request: FastifyRequest, reply: FastifyReply): PostedBody | Problem {
  const body = (request.body ?? NO_BODY) as ReadBody | Problem;
  request.body = undefined;
  if (body instanceof Problem) {
    // What is still to come of it may be any amount.
    if (body.code === 'PS_BODY_TOO_LARGE') reply.header('connection', 'close');
    return body;
  }
  return {
    ...body,
    contentType: request.headers['content-type'],
    contentEncoding: request.headers['content-encoding'],
  };
}
