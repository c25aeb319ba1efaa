import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface PipeliningLimits {
  /** Most requests of one connection that wait for their answers. */
  readonly requestsPerConnection: number;
  /** Most of those behind the first of their connection, on all connections together. */
  readonly requestsBehind: number;
}

export const defaultPipeliningLimits: PipeliningLimits = { requestsPerConnection: 100, requestsBehind: 1_000 };

/**
 * Bounds how many requests clients may send before they have read the answers (RFC 9112, section 9.3.2). Node makes a request
 * and a response of each as soon as it comes, 64 KB of them in one go, and keeps them until their turn: 12 MB of the smallest
 * requests, on 200 connections, would be a gigabyte. A connection that sends too many is cut, and the request that was too
 * many is not looked at, nor what is behind it; those before it have no answer, so their client sends them again. Takes the
 * place of the server's own listener, so call it before others are added.
 * @param onCut is told of each connection that is cut
 */
export function boundPipelining(server: Server, onCut: () => void, limits = defaultPipeliningLimits): void {
  const connections = new WeakMap<Socket, Connection>();
  let behind = 0;

  const connectionOf = (socket: Socket): Connection => {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    const connection: Connection = { unanswered: 0 };
    connections.set(socket, connection);
    socket.once('close', () => {
      behind -= Math.max(0, connection.unanswered - 1);
      connection.unanswered = 0;
    });
    return connection;
  };
  /** Whether the request may be looked at; counts it until it is answered. */
  const take = (socket: Socket, response: ServerResponse): boolean => {
    const connection = connectionOf(socket);
    if (connection.unanswered > 0) {
      if (connection.unanswered >= limits.requestsPerConnection || behind >= limits.requestsBehind) return false;
      behind++;
    }
    connection.unanswered++;
    response.once('close', () => {
      // Answers that nobody waits for any more were subtracted with their connection.
      if (connection.unanswered === 0) return;
      connection.unanswered--;
      if (connection.unanswered > 0) behind--;
    });
    return true;
  };

  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    const { socket } = request;
    if (socket.destroyed) return;
    if (take(socket, response)) {
      for (const listener of listeners) listener.call(server, request, response);
      return;
    }
    passOverTheRest(socket);
    socket.destroy();
    onCut();
  });
}

/**
 * Node would go on to make requests of all that was read with the one for which a connection is cut. Its parser takes 2 for:
 * from here on this is no HTTP, as behind an upgrade, and looks no further. There is no public name for it.
 */
function passOverTheRest(socket: Socket): void {
  const { parser } = socket as Socket & { readonly parser?: { onIncoming?: () => number } | null };
  if (parser) parser.onIncoming = () => 2;
}

interface Connection {
  unanswered: number;
}
