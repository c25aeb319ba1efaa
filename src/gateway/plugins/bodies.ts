import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Gathering, noRoom } from '../pipeline/gather.js';
import type { PostedBody } from '../pipeline/ingest.js';
import { Problem } from '../problem.js';
import { type Budget, HOLDS_NOTHING, type Hold } from '../publish/budget.js';

export interface BodyOptions {
  /** Largest body as it arrives. */
  readonly bodyBytes: number;
}

type BodyBudget = Pick<Budget, 'openHold' | 'retryAfterSeconds'>;

const ANY_CONTENT_TYPE = /^/;

/** `type/subtype` (RFC 9110, section 8.3.1), whatever its parameters. */
const SOUND_CONTENT_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/;

/**
 * Bodies are taken as bytes under any content type, and under nonsense, which Fastify would refuse: what they are is
 * the pipeline's to find out. What they take of memory is counted as they come, and before it is there. A body that is
 * refused is given to its route as a problem, to be answered in the words of the route's protocol.
 */
export function takeBodiesAsBytes(app: FastifyInstance, budget: BodyBudget, options: BodyOptions): void {
  /** Nearly all say the same. */
  let soundBefore: string | undefined;
  app.addHook('onRequest', (request, _reply, done) => {
    const contentType = request.headers['content-type'];
    if (contentType !== soundBefore && contentType !== undefined) {
      if (SOUND_CONTENT_TYPE.test(contentType)) soundBefore = contentType;
      else request.headers['content-type'] = 'application/octet-stream';
    }
    done();
  });
  app.removeAllContentTypeParsers();
  // Not `*`: with a pattern Fastify remembers what it is of, and does not read the content type anew for every request.
  app.addContentTypeParser(ANY_CONTENT_TYPE, (request, payload, done) => {
    // Nobody will read it: Node lets it pass by.
    if (request.is404) done(null);
    else readBody(payload, budget, options, done);
  });
}

type Done = (error: Error | null, body?: PostedBody | Problem) => void;

function readBody(payload: IncomingMessage, budget: BodyBudget, { bodyBytes }: BodyOptions, done: Done): void {
  const { 'content-length': contentLength } = payload.headers;
  const expectedBytes = contentLength === undefined ? undefined : Number(contentLength);
  const hold = budget.openHold();
  /** Undefined when it is over, so that nothing of the body waits in memory with its request. */
  let gathering: Gathering | undefined = new Gathering(hold, { limitBytes: bodyBytes, expectedBytes });

  const refuse = (problem: Problem) => {
    gathering = undefined;
    hold.release();
    done(null, problem);
  };
  if (expectedBytes !== undefined && expectedBytes > bodyBytes) {
    refuse(tooLarge(bodyBytes));
    return;
  }
  if (!hold.claim(expectedBytes ?? 0)) {
    refuse(noRoom(budget.retryAfterSeconds()));
    return;
  }
  payload.on('data', (piece: Buffer) => {
    const gathered = gathering?.add(piece) ?? 'taken';
    if (gathered !== 'taken')
      refuse(gathered === 'too_large' ? tooLarge(bodyBytes) : noRoom(budget.retryAfterSeconds()));
  });
  payload.on('end', () => {
    if (gathering === undefined) return;
    const body = postedBody(gathering.bytes(), hold, payload.headers);
    gathering = undefined;
    done(null, body);
  });
  payload.on('error', (error: Error) => {
    if (gathering === undefined) return;
    gathering = undefined;
    hold.release();
    // A client that broke off in the middle is told so as good as it can be.
    done(Object.assign(error, { statusCode: 400 }));
  });
}

const tooLarge = (bodyBytes: number) => new Problem('PS_BODY_TOO_LARGE', `A body may have ${bodyBytes} bytes`);

const NOTHING = Buffer.alloc(0);

function postedBody(bytes: Buffer, hold: Hold, headers: IncomingHttpHeaders): PostedBody {
  return { bytes, hold, contentType: headers['content-type'], contentEncoding: headers['content-encoding'] };
}

/** Takes the body of a request off it, so that it does not wait in memory with the request for the answer. */
export function takeBody(request: FastifyRequest, reply: FastifyReply): PostedBody | Problem {
  const body = request.body as PostedBody | Problem | undefined;
  request.body = undefined;
  // What is still to come of it may be any amount.
  if (body instanceof Problem && body.code === 'PS_BODY_TOO_LARGE') reply.header('connection', 'close');
  return body ?? postedBody(NOTHING, HOLDS_NOTHING, request.headers);
}
