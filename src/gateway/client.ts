import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type DeviceType, type EventContext, MAX_USER_AGENT_LENGTH, truncateIp } from '../events/index.js';
import type { Credentials } from './pipeline/authenticate.js';
import type { IngestRequest } from './pipeline/ingest.js';

/** What a request says of its sender, who may be anybody. */
export type Client = Omit<IngestRequest, 'source'> & { readonly credentials: Credentials };

/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Reads from the headers and the connection of a request what its events need to know of the client. */
export function createClientReader(deps: { readonly deviceOf: (userAgent: string) => DeviceType }) {
  /** Of connections that are kept alive; their address stays what it is. */
  const ipOfSocket = new WeakMap<Socket, string>();
  const ipOf = (message: IncomingMessage): string | undefined => {
    const { socket } = message;
    const forwarded = message.headers['x-forwarded-for'];
    if (forwarded === undefined || !isLoopbackAddress(socket.remoteAddress)) {
      const known = ipOfSocket.get(socket);
      if (known !== undefined) return known;
      const ip = truncateIp(socket.remoteAddress ?? '');
      if (ip !== undefined) ipOfSocket.set(socket, ip);
      return ip;
    }
    return truncateIp(lastOf(forwarded)) ?? truncateIp(socket.remoteAddress ?? '');
  };

  const contextOf = (message: IncomingMessage): EventContext => {
    const ip = ipOf(message);
    const userAgent = message.headers['user-agent']?.slice(0, MAX_USER_AGENT_LENGTH);
    return {
      ...(ip === undefined ? {} : { ip }),
      ...(userAgent === undefined ? {} : { device: deps.deviceOf(userAgent) }),
    };
  };

  return function readClient(message: IncomingMessage, writeKeyQuery: string | undefined): Client {
    const traceparent = message.headers['traceparent'];
    return {
      credentials: credentialsOf(message, writeKeyQuery),
      context: contextOf(message),
      traceparent: typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined,
    };
  };
}

function credentialsOf(message: IncomingMessage, writeKeyQuery: string | undefined): Credentials {
  const header = message.headers['x-write-key'];
  return {
    authorization: message.headers.authorization,
    writeKeyHeader: typeof header === 'string' ? header : header?.[0],
    writeKeyQuery,
  };
}

/**
 * `X-Forwarded-For` is believed only of a proxy on this machine, and only its last entry, which that proxy itself has
 * written.
 */
function lastOf(forwarded: string | readonly string[]): string {
  const text = typeof forwarded === 'string' ? forwarded : forwarded.join(',');
  return text.slice(text.lastIndexOf(',') + 1).trim();
}

function isLoopbackAddress(address: string | undefined): boolean {
  return (
    address !== undefined && (address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.'))
  );
}
