import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../problem.js';
import { sendProblem } from './problems.js';

export interface ConnectionLimits {
  /** Most connections at once; more are closed as they come. */
  readonly connections: number;
  /** A connection is closed after so many requests, so that a load balancer can spread them anew; 0 for never. */
  readonly requestsPerConnection: number;
  /** Largest body as it arrives; nobody is asked to go on with a larger one. */
  readonly bodyBytes: number;
  /** Most headers of a request. */
  readonly headers: number;
}

/**
 * Bounds what a client may do with connections. Node's own limit of requests answers what comes after the last one with
 * an empty 503, and its limit of headers leaves those beyond it away without a word.
 */
export function addConnectionLimits(app: FastifyInstance, limits: ConnectionLimits, onRefused: () => void): void {
  app.server.maxConnections = limits.connections;
  app.server.on('drop', onRefused);
  // A client may close its side behind its last request (RFC 9112, section 9.6). Node would close ours too, unanswered.
  Object.assign(app.server, { httpAllowHalfOpen: true });
  // RFC 9110, section 10.1.1: an expectation that is not understood may be passed over. Node would say 417 and nothing more.
  app.server.on('checkExpectation', (request, response) => void app.server.emit('request', request, response));
  // While answers to earlier requests are due, Node would put its 100 between the head and the body of this one's answer.
  app.server.on('checkContinue', (request, response) => {
    const { 'content-length': announcedBytes = 0 } = request.headers;
    if (response.socket !== null && Number(announcedBytes) <= limits.bodyBytes) response.writeContinue();
    app.server.emit('request', request, response);
  });
  // Nothing is upgraded to, and Node reads nothing more of a connection that asked for it. Not a hook of Fastify, which runs
  // none for a path that it cannot read.
  app.server.prependListener('request', ({ headers }, response) => {
    if (headers.upgrade !== undefined) response.setHeader('connection', 'close');
  });
  const requestsOf = new WeakMap<Socket, number>();
  app.addHook('onRequest', (request, reply, done) => {
    const { headers, httpVersion, rawHeaders, socket } = request.raw;
    // Behind the last answer of a connection that lingers. Behind a request that asked for the end Node's parser reads no other.
    if (socket.writableEnded) {
      passOver(request, reply);
      return;
    }
    // RFC 9112, section 3.2. Of several, Node would take the first, and a proxy before it perhaps another.
    if ((headers.host === undefined && httpVersion === '1.1') || namesHostTwice(rawHeaders)) {
      sendProblem(reply, new Problem('PS_REQUEST_INVALID', 'A request of HTTP/1.1 names its Host, once'));
      return;
    }
    if (rawHeaders.length > 2 * limits.headers) {
      sendProblem(reply, new Problem('PS_HEADERS_TOO_LARGE', `At most ${limits.headers} headers`));
      return;
    }
    if (limits.requestsPerConnection > 0) {
      const requests = (requestsOf.get(socket) ?? 0) + 1;
      requestsOf.set(socket, requests);
      if (requests > limits.requestsPerConnection) {
        passOver(request, reply);
        return;
      }
      if (requests === limits.requestsPerConnection) reply.header('connection', 'close');
    }
    done();
  });
}

/** RFC 9112, section 9.6: what comes after the last request is not processed, and its client may send it elsewhere. */
function passOver(request: FastifyRequest, reply: FastifyReply): void {
  request.raw.resume();
  reply.hijack();
}

/** `rawHeaders` are names and values in turn, as they were sent. */
function namesHostTwice(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}
