import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { CancelTimer, Clock } from '../../shared/clock.js';
import { boundPipelining } from '../../shared/pipelining.js';
import type { Upgrade } from './websocket.js';

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface HttpOptions {
  /** From the beginning of a request, or of the wait for one, to its last byte. */
  readonly requestTimeoutMs: number;
  readonly maxHeaderBytes: number;
}

export interface HttpHandlers {
  readonly onRequest: HttpHandler;
  readonly onUpgrade: Upgrade;
  /** A connection was cut, for more requests had come on it than may wait for their answers. */
  readonly onCut: () => void;
}

export interface HttpConnections {
  /** Serves a connection whose first bytes have been put back. */
  accept(socket: Socket): void;
  /** Closes connections between two requests; those with a request close after their answer. */
  stop(): void;
}

/**
 * HTTP over connections that somebody else accepted. The deadlines of node's HTTP server run only where it listens by itself, so
 * that the one deadline that matters, a request has to arrive in time, is kept here.
 */
export function createHttp(handlers: HttpHandlers, clock: Clock, options: HttpOptions): HttpConnections {
  const waiting = new Map<Socket, CancelTimer>();
  let stopping = false;

  const stopWaiting = (socket: Socket) => {
    waiting.get(socket)?.();
    waiting.delete(socket);
  };
  const awaitRequest = (socket: Socket) => {
    stopWaiting(socket);
    if (!socket.destroyed)
      waiting.set(
        socket,
        clock.setTimer(() => socket.destroy(), options.requestTimeoutMs),
      );
  };

  const server = createServer({ maxHeaderSize: options.maxHeaderBytes, noDelay: true }, (request, response) => {
    const { socket } = request;
    if (stopping) response.setHeader('connection', 'close');
    request.once('end', () => stopWaiting(socket));
    response.once('close', () => awaitRequest(socket));
    handlers.onRequest(request, response);
  });
  boundPipelining(server, handlers.onCut);
  server.on('upgrade', (request, socket, head) => {
    stopWaiting(socket as Socket);
    if (stopping) socket.destroy();
    else handlers.onUpgrade(request, socket, head);
  });

  return {
    accept(socket) {
      awaitRequest(socket);
      socket.once('close', () => stopWaiting(socket));
      server.emit('connection', socket);
    },
    stop() {
      stopping = true;
      for (const socket of waiting.keys()) socket.destroy();
    },
  };
}
