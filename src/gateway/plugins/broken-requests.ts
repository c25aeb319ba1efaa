import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../shared/clock.js';
import { PROBLEM_CONTENT_TYPE, Problem } from '../problem.js';

/** How long the answers to earlier requests of the connection may take, once what came after them was no request. */
const EARLIER_ANSWERS_MS = 30_000;

const NOT_HTTP = new Problem('PS_REQUEST_INVALID', 'This is not HTTP/1.1');

/**
 * What Node's parser refuses, or did not get in time. There is no request, so the answer is written to the socket as it
 * is: behind those that are due before it, since a client takes answers for its requests in order (RFC 9112, section
 * 9.3.2). Then the connection ends.
 */
export function createOnClientError(clock: Pick<Clock, 'setTimer'>, headerBytes: number) {
  const problems: Readonly<Record<string, Problem>> = {
    ERR_HTTP_REQUEST_TIMEOUT: new Problem('PS_REQUEST_TIMEOUT', 'Headers and body have to arrive in time'),
    HPE_HEADER_OVERFLOW: new Problem('PS_HEADERS_TOO_LARGE', `At most ${headerBytes} bytes of headers`),
  };
  const ending = new WeakSet<Socket>();

  return function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    if (error.code === 'ECONNRESET' || (!socket.writable && !ending.has(socket))) {
      socket.destroy();
      return;
    }
    // The parser complains anew of all that comes after.
    if (ending.has(socket)) return;
    ending.add(socket);
    socket.once(
      'close',
      clock.setTimer(() => socket.destroy(), EARLIER_ANSWERS_MS),
    );
    afterEarlierAnswers(socket, (wasAnswered) => {
      if (!socket.writable) return;
      if (!wasAnswered) writeProblem(socket, problems[error.code ?? ''] ?? NOT_HTTP);
      socket.destroySoon();
    });
  };
}

/**
 * Runs `then` when nothing is due any more before an answer to what is broken. That may be the body of a request that is
 * known already, and even answered, of which `then` is told.
 */
function afterEarlierAnswers(socket: Socket, then: (wasAnswered: boolean) => void): void {
  const { _httpMessage: due, parser } = socket as HttpSocket;
  if (due) {
    if (due.req.complete || due.writableEnded) due.once('finish', () => afterEarlierAnswers(socket, then));
    else then(false);
    return;
  }
  then(parser?.incoming?.complete === false);
}

/** What Node has no public names for: the response whose turn it is on a connection, and the request that is arriving. */
type HttpSocket = Socket & {
  readonly _httpMessage?: ServerResponse | null;
  readonly parser?: { readonly incoming: IncomingMessage | null } | null;
};

function writeProblem(socket: Socket, problem: Problem): void {
  const body = problem.toJson();
  const head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: ${PROBLEM_CONTENT_TYPE}\r\n`;
  socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}
