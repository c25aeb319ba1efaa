import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/** Where Azure's services take AMQP over WebSockets. */
const PATH = '/$servicebus/websocket';
/** `amqp` is the registered name (AMQP WebSocket Binding 1.0, section 2.1); Azure's SDKs say the other. */
const SUBPROTOCOLS = ['AMQPWSB10', 'amqp'];
/** Room for the largest AMQP frame, and some more that a client may send along in one message. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const MAX_FRAGMENTS = 1024;
/** Small frames that wait at the same moment leave as one message of at the most about this size. */
const GATHER_BYTES = 64 * 1024;
const UNSUPPORTED_DATA = 1003;

interface Chunk {
  readonly chunk: Buffer;
}

/** Bytes that wait together, as few messages; `done` is called when the last one is handed to the network. */
function sendTogether(webSocket: WebSocket, chunks: readonly Chunk[], done: (error?: Error | null) => void): void {
  let group: Buffer[] = [];
  let bytes = 0;
  const flush = (callback?: (error?: Error | null) => void) => {
    webSocket.send(group.length === 1 ? (group[0] as Buffer) : Buffer.concat(group), { binary: true }, callback);
    group = [];
    bytes = 0;
  };
  chunks.forEach(({ chunk }, index) => {
    group.push(chunk);
    bytes += chunk.length;
    if (index === chunks.length - 1) flush(done);
    else if (bytes >= GATHER_BYTES) flush();
  });
}

type Library = typeof import('ws');

function streamOf({ createWebSocketStream }: Library, webSocket: WebSocket): Duplex {
  webSocket.on('message', (_data, isBinary) => {
    // Section 2.2 of the binding: binary messages alone carry AMQP.
    if (!isBinary) webSocket.close(UNSUPPORTED_DATA, 'binary messages only');
  });
  return createWebSocketStream(webSocket, {
    writev: (chunks: readonly Chunk[], callback) => sendTogether(webSocket, chunks, callback),
  } as Parameters<Library['createWebSocketStream']>[1]);
}

function refuse(socket: Duplex, status: number, reason: string): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(reason)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${reason}`, () => socket.destroy());
}

/** Some clients end it with a slash. */
const pathOf = (request: IncomingMessage) => (request.url ?? '').split('?', 1)[0]?.toLowerCase().replace(/\/$/, '');

const offered = (request: IncomingMessage): string[] =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Takes requests to change to WebSocket: those for AMQP become a stream of bytes, with back-pressure both ways. */
export function createUpgrade(onStream: (stream: Duplex, facts: { readonly secure: boolean }) => void): Upgrade {
  let opened: ReturnType<typeof open> | undefined;
  /** The library is loaded for the first who asks: a broker starts faster without. */
  function open() {
    const library = createRequire(import.meta.url)('ws') as Library;
    const server = new library.WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: MAX_MESSAGE_BYTES,
      maxFragments: MAX_FRAGMENTS,
      perMessageDeflate: false,
      handleProtocols: (names) => SUBPROTOCOLS.find((name) => names.has(name)) ?? false,
    });
    return { library, server };
  }
  // A handshake that is malformed is answered 400 by the library.
  return function upgrade(request, socket, head) {
    socket.on('error', () => socket.destroy());
    if (pathOf(request) !== PATH) refuse(socket, 404, `AMQP over WebSockets is at ${PATH}.`);
    else if (!offered(request).some((name) => SUBPROTOCOLS.includes(name))) {
      refuse(socket, 400, `The subprotocol must be one of ${SUBPROTOCOLS.join(', ')}.`);
    } else {
      const facts = { secure: 'encrypted' in socket };
      opened ??= open();
      const { library, server } = opened;
      server.handleUpgrade(request, socket, head, (webSocket) => onStream(streamOf(library, webSocket), facts));
    }
  };
}
