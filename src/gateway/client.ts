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

interface Visitor {
  readonly userAgent: string | undefined;
  readonly address: string | undefined;
  readonly context: EventContext;
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
  /** Who sends by a connection, so far as it has been the same each time. Not by a proxy's, which has many clients. */
  const lastOf = new WeakMap<Socket, Visitor>();
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
  const visitorAt = (address: string | undefined, userAgent: string | undefined): Visitor => {
    const ip = address === undefined ? undefined : truncateIp(address);
    return { address, userAgent, context: contextOf(ip, userAgent) };
  };
  const visitorOf = ({ socket, headers }: IncomingMessage): Visitor => {
    const { 'x-forwarded-for': forwarded, 'user-agent': agent } = headers;
    const userAgent = agent?.slice(0, MAX_USER_AGENT_LENGTH);
    const { remoteAddress } = socket;
    // A connection that has just ended has no address any more.
    if (remoteAddress === undefined) return visitorAt(undefined, userAgent);
    if (forwarded !== undefined) return visitorAt(clientAddressOf(remoteAddress, String(forwarded)), userAgent);
    const last = lastOf.get(socket);
    if (last !== undefined && last.userAgent === userAgent) return last;
    const visitor = visitorAt(remoteAddress, userAgent);
    if (userAgent === agent) lastOf.set(socket, visitor);
    return visitor;
  };

  return function readClient(message: IncomingMessage, query: ClientQuery): Client {
    const { headers } = message;
    const { address, userAgent, context } = visitorOf(message);
    return {
      credentials: credentialsOf(message, query.writeKey),
      context,
      trace: readTrace(headers['traceparent'], headers['tracestate']),
      origin: headers.origin,
      address,
      userAgent,
      signals: signalsOf(headers['sec-gpc'], headers['dnt']),
      dryRun: isDryRun(query.dryRun),
    };
  };
}

/** Whoever asks for one in other words than ours had better not have sent an order. */
function isDryRun(asked: string | undefined): boolean {
  return asked !== undefined && asked !== '0' && asked !== 'false';
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

/**
 * Asked by a process here, and not by a proxy here for somebody elsewhere. Who connects to another address of this machine
 * than its loopback has that address too.
 */
export function comesFromThisMachine({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  const { remoteAddress, localAddress } = socket;
  const forwarded = headers['x-forwarded-for'] ?? headers['forwarded'] ?? headers['via'];
  if (forwarded !== undefined || remoteAddress === undefined) return false;
  return isLoopbackAddress(remoteAddress) || remoteAddress === localAddress;
}
