import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type DeviceType, type EventContext, MAX_USER_AGENT_LENGTH, truncateIp } from '../events/index.js';
import { isLoopbackAddress } from '../shared/loopback.js';
import { createGenerations } from '../shared/remember.js';
import type { Client, Credentials } from './pipeline/client.js';
import type { OptOutSignals } from './policy/consent.js';
import { createClientAddress } from './proxies.js';
import { readTrace } from './trace-context.js';

/** What of a request's query is not of its events. */
export interface ClientQuery {
  readonly writeKey?: string | undefined;
  readonly dryRun?: string | undefined;
}

interface Address {
  readonly whole: string | undefined;
  readonly truncated: string | undefined;
}

const MAX_CONTEXTS = 10_000;

const NO_SIGNALS: OptOutSignals = { gpc: false, dnt: false };

export interface ClientReaderDeps {
  readonly deviceOf: (userAgent: string) => DeviceType;
  /** Addresses and networks of the proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
}

/** Reads from the headers and the connection of a request what its events need to know of the client. */
export function createClientReader({ deviceOf, trustedProxies }: ClientReaderDeps) {
  const clientAddressOf = createClientAddress(trustedProxies);
  /** Of connections that are kept alive; their address stays what it is. */
  const addressOfSocket = new WeakMap<Socket, Address>();
  /** Clients that look alike share an object, whose JSON is then known as well. */
  const contexts = createGenerations<EventContext>(MAX_CONTEXTS);
  const contextOf = (ip: string | undefined, userAgent: string | undefined): EventContext => {
    const device = userAgent === undefined ? undefined : deviceOf(userAgent);
    const key = `${ip} ${device}`;
    const known = contexts.get(key);
    if (known !== undefined) return known;
    const context: EventContext = Object.freeze({
      ...(ip === undefined ? {} : { ip }),
      ...(device === undefined ? {} : { device }),
    });
    contexts.set(key, context);
    return context;
  };
  const addressOf = (message: IncomingMessage): Address => {
    const { socket } = message;
    const forwarded = message.headers['x-forwarded-for'];
    if (forwarded !== undefined && socket.remoteAddress !== undefined)
      return readAddress(clientAddressOf(socket.remoteAddress, String(forwarded)));
    const known = addressOfSocket.get(socket);
    if (known !== undefined) return known;
    const address = readAddress(socket.remoteAddress);
    if (address.truncated !== undefined) addressOfSocket.set(socket, address);
    return address;
  };

  return function readClient(message: IncomingMessage, query: ClientQuery): Client {
    const { headers } = message;
    const address = addressOf(message);
    const userAgent = headers['user-agent']?.slice(0, MAX_USER_AGENT_LENGTH);
    return {
      credentials: credentialsOf(message, query.writeKey),
      context: contextOf(address.truncated, userAgent),
      trace: readTrace(headers['traceparent'], headers['tracestate']),
      origin: headers.origin,
      address: address.whole,
      userAgent,
      signals: signalsOf(headers['sec-gpc'], headers['dnt']),
      dryRun: query.dryRun === '1' || query.dryRun === 'true',
    };
  };
}

function readAddress(address: string | undefined): Address {
  return { whole: address, truncated: address === undefined ? undefined : truncateIp(address) };
}

function signalsOf(gpc: unknown, dnt: unknown): OptOutSignals {
  if (gpc === undefined && dnt === undefined) return NO_SIGNALS;
  return { gpc: gpc === '1', dnt: dnt === '1' };
}

function credentialsOf(message: IncomingMessage, writeKeyQuery: string | undefined): Credentials {
  const header = message.headers['x-write-key'];
  return {
    authorization: message.headers.authorization,
    writeKeyHeader: typeof header === 'string' ? header : header?.[0],
    writeKeyQuery,
    connection: message.socket,
  };
}

/** Asked by a process here, and not by a proxy here for somebody elsewhere. */
export function comesFromThisMachine({ socket, headers }: IncomingMessage): boolean {
  const forwarded = headers['x-forwarded-for'] ?? headers['forwarded'] ?? headers['via'];
  return forwarded === undefined && isLoopbackAddress(socket.remoteAddress);
}
