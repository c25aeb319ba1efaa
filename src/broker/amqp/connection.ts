import type { Duplex } from 'node:stream';
import type { EventContext, Receiver, Sender } from 'rhea';
import { every } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import { type Address, parseAddress, pathOf } from './address.js';
import {
  type AmqpFault,
  entityDeleted,
  entityNotFound,
  internalError,
  notAllowed,
  unauthorized,
} from './conditions.js';
import type { ConnectionContext, ConnectionDeps, LinkService } from './context.js';
import { createGrants } from './grants.js';
import { openReceiverLink, openSenderLink } from './links.js';
import { serveNode } from './node.js';
import { acceptConnection, echoTermini, outgoingBytes, provedKey, refuse } from './transport.js';

/** Bytes that may be on their way to a client before its receivers are held back. */
const CONGESTED_BYTES = 4 * 1024 * 1024;
/** Links of one connection; the services allow about as many. */
const MAX_LINKS = 5000;
/** How often it is looked whether the tokens of the links are still good. */
const TOKEN_CHECK_MS = 60_000;

interface Opened {
  readonly link: Sender | Receiver;
  readonly service: LinkService;
  /** Undefined for `$cbs`, which needs no token. */
  readonly address: Address | undefined;
  readonly path: string;
}

interface OpenLink extends Opened {
  /** Ends its interest in the deletion of its entity. */
  readonly forget: () => void;
}

export interface AmqpConnection {
  /** How many links it has. */
  links(): number;
  /** Tells the client to go away and come back. */
  close(): void;
}

/** Serves one AMQP connection until it ends; then calls `onEnd`. */
export function serveConnection(deps: ConnectionDeps, socket: Duplex, onEnd: () => void): AmqpConnection {
  const { logger } = deps;
  const onError = (error: unknown) => logger.error({ err: error }, 'broker operation failed');
  const connection = acceptConnection(deps.container, socket);
  const context: ConnectionContext = {
    ...deps,
    connection,
    socket,
    grants: createGrants(deps.keys, deps.clock.now),
    congested: () => outgoingBytes(connection, socket) > CONGESTED_BYTES,
    onError,
  };
  const links = new Set<OpenLink>();
  /** Refused links too, until they are closed. */
  const attached = new Set<Sender | Receiver>();
  let ended = false;

  function end(): void {
    if (ended) return;
    ended = true;
    stopTokenCheck();
    for (const open of links) release(open);
    onEnd();
  }

  function release(open: OpenLink): void {
    links.delete(open);
    open.service.detach?.();
    open.forget();
  }

  function keep(opened: Opened, side: 'sender' | 'receiver'): void {
    const { link, service, path } = opened;
    const onChange = () => {
      const fault = service.deletion?.done ? entityDeleted(path) : service.objection?.();
      if (fault === undefined) return;
      release(open);
      link.close({ ...fault });
    };
    const open: OpenLink = { ...opened, forget: service.deletion?.subscribe(onChange) ?? (() => {}) };
    links.add(open);
    link.once(`${side}_close`, () => release(open));
  }

  const authorized = (address: Address, path: string): boolean =>
    address.kind === 'management' && address.entity === undefined ? context.grants.any() : context.grants.covers(path);

  function open(link: Sender | Receiver, text: string, serve: Serve): Opened | AmqpFault {
    const path = pathOf(text);
    const address = parseAddress(text);
    if (address === undefined) return entityNotFound(deps.namespaceName, path);
    const isCbs = address.kind === 'cbs';
    if (!isCbs && !authorized(address, path)) return unauthorized(path);
    const service = serve(address);
    return 'condition' in service ? service : { link, service, path, address: isCbs ? undefined : address };
  }

  /** Serves a link, or refuses it with a fault; what goes wrong with one link does not harm the connection. */
  function attach(link: Sender | Receiver, side: 'sender' | 'receiver', serve: Serve): void {
    attached.add(link);
    if (attached.size > MAX_LINKS) {
      connection.close({ condition: 'amqp:resource-limit-exceeded', description: 'Too many links.' });
      return;
    }
    link.on(`${side}_error`, () => {});
    link.once(`${side}_close`, () => attached.delete(link));
    try {
      const terminus = side === 'sender' ? link.source : link.target;
      echoTermini(link);
      const opened = terminus ? open(link, terminus.address ?? '', serve) : notAllowed('An address is required.');
      if ('condition' in opened) refuse(link, opened);
      else keep(opened, side);
    } catch (error) {
      onError(error);
      refuse(link, internalError);
    }
  }

  const isNode = (address: Address) => address.kind === 'cbs' || address.kind === 'management';

  connection.on('receiver_open', (event: EventContext) => {
    const link = event.receiver as Receiver;
    attach(link, 'receiver', (address) =>
      isNode(address) ? serveNode(context, link, address) : openReceiverLink(context, link, address),
    );
  });
  connection.on('sender_open', (event: EventContext) => {
    const link = event.sender as Sender;
    // Answers of a node go out on such a link; there is nothing to serve.
    attach(link, 'sender', (address) => (isNode(address) ? {} : openSenderLink(context, link, address)));
  });
  // A session takes its links along, without a word about them.
  connection.on('session_close', ({ session }: EventContext) => {
    for (const link of attached) if (link.session === session) attached.delete(link);
    for (const open of links) if (open.link.session === session) release(open);
  });
  connection.on('connection_open', () => {
    if (provedKey(connection)) context.grants.allowAll();
  });

  /** Clients renew their tokens long before the end; a link whose token has ended is closed, as the services do. */
  const stopTokenCheck = every(deps.clock, TOKEN_CHECK_MS, () => {
    for (const open of links) {
      if (open.address === undefined || authorized(open.address, open.path)) continue;
      release(open);
      open.link.close({ ...unauthorized(open.path) });
    }
  });

  socket.on('drain', () => {
    for (const { service } of links) service.resume?.();
  });
  socket.on('close', end);
  connection.on('connection_close', end);
  connection.on('disconnected', end);
  connection.on('connection_error', () => {});
  connection.on('session_error', () => {});
  connection.on('protocol_error', (error: unknown) => {
    logger.info({ reason: messageOf(error) }, 'connection broke the protocol');
  });
  connection.on('error', (error: unknown) => {
    logger.info({ reason: messageOf(error) }, 'connection failed');
  });

  return {
    links: () => links.size,
    close() {
      end();
      connection.close({ condition: 'amqp:connection:forced', description: 'The broker is stopping.' });
    },
  };
}

type Serve = (address: Address) => LinkService | AmqpFault;
