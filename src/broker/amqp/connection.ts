import type { Duplex } from 'node:stream';
import type { Connection, EventContext, Receiver, Sender } from 'rhea';
import type { CancelTimer } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import { type AmqpFault, internalError, tooManyLinks } from './conditions.js';
import type { ConnectionContext, ConnectionDeps } from './context.js';
import { ProtocolViolation } from './gate/index.js';
import { GatedSocket } from './gated-socket.js';
import { createGrants, type Grants } from './grants.js';
import { createLinkTable, type LinkTable } from './link-table.js';
import { openReceiverLink, openSenderLink } from './links.js';
import { serveNode } from './node.js';
import { acceptConnection, failConnection, outgoingBytes } from './rhea-connection.js';
import { incompleteBound, MAX_FRAME_BYTES } from './rhea-transfers.js';
import { createTransactions } from './transactions/registry.js';

/** Largest frame of a client that has shown neither key nor token: put-token requests are smaller. */
const MAX_STRANGER_FRAME_BYTES = 64 * 1024;
/** Longest wait for the end of a token; timers of node cannot wait for ever. */
const MAX_TOKEN_WAIT_MS = 3_600_000;

export interface AmqpConnection {
  /** How many links it has. */
  links(): number;
  /** Tells the client to go, and why. */
  close(fault: AmqpFault): void;
}

/** Times out whoever does not get through the handshake, or shows no token, and tells when tokens end. */
function createDoorTimers(deps: ConnectionDeps, grants: Grants, late: (fault: AmqpFault) => void) {
  const { clock, times } = deps;
  let cancelDeadline: CancelTimer = clock.setTimer(
    () => late({ condition: 'amqp:connection:forced', description: 'The handshake took too long.' }),
    times.handshakeMs,
  );
  let cancelTokenEnd: CancelTimer = () => {};

  function awaitTokenEnd(onEnd: () => void): void {
    cancelTokenEnd();
    const endMs = grants.nextEndMs();
    if (endMs === undefined) return;
    const waitMs = Math.min(endMs - clock.now(), MAX_TOKEN_WAIT_MS);
    cancelTokenEnd = clock.setTimer(() => {
      onEnd();
      awaitTokenEnd(onEnd);
    }, waitMs);
  }

  return {
    awaitToken() {
      cancelDeadline();
      const description =
        `The connection was inactive for more than the allowed ${times.tokenMs} milliseconds: ` +
        'no valid token was put to $cbs.';
      cancelDeadline = clock.setTimer(() => late({ condition: 'amqp:connection:forced', description }), times.tokenMs);
    },
    known: () => cancelDeadline(),
    awaitTokenEnd,
    stop() {
      cancelDeadline();
      cancelTokenEnd();
    },
  };
}

/** Serves one AMQP connection until it ends; then calls `onEnd`. */
export function serveConnection(deps: ConnectionDeps, socket: Duplex, onEnd: () => void): AmqpConnection {
  const { logger } = deps;
  const onError = (error: unknown) => logger.error({ err: error }, 'broker operation failed');
  const grants = createGrants(deps.keys, deps.clock.now);
  /** Whether the client has shown a key or a token that is good. */
  let known = false;
  /** Whether a link was held back until bytes have gone out. */
  let held = false;
  let ended = false;

  const fail = (fault: AmqpFault) => failConnection(connection, gated, fault);
  const timers = createDoorTimers(deps, grants, (fault) => {
    if (connection.is_remote_open()) fail(fault);
    else socket.destroy();
  });
  const gated = new GatedSocket(
    socket,
    {
      clock: deps.clock,
      maxFrameBytes: () => (known ? MAX_FRAME_BYTES : MAX_STRANGER_FRAME_BYTES),
      checkKey: (name, key) => grants.allowKey(name, key),
    },
    {
      onKey: () => {
        known = true;
      },
      onRefused: (reason) => logger.info({ reason }, 'connection refused'),
      onSessionViolation: (channel, { condition, message }) => endSession(channel, { condition, description: message }),
      onViolation({ condition, message }) {
        logger.info({ reason: message }, 'connection broke the protocol');
        fail({ condition, description: message });
      },
    },
  );
  const incomplete = deps.joinIncomplete();
  const outgoing = deps.joinOutgoing();
  const { connection, endSession } = acceptConnection(deps.container, gated, socket, {
    incomplete,
    idleTimeOutMs: deps.times.idleTimeOutMs,
    maxIncompleteBytes: () => incompleteBound(known),
    onWindow: () => links.resume(),
    onSessionFault(session, { description }) {
      logger.info({ reason: description }, 'session broke the protocol');
      links.leave(session);
    },
    onSent() {
      if (!held || isCongested()) return;
      held = false;
      links.resume();
    },
  });
  const isCongested = () => outgoing.congested(outgoingBytes(connection, socket));
  const context: ConnectionContext = {
    ...deps,
    connection,
    socket,
    grants,
    transactions: createTransactions({
      clock: deps.clock,
      begin: deps.namespace.beginTransaction,
      memory: deps.transactionMemory,
    }),
    onTokens() {
      if (!known && grants.any()) {
        known = true;
        timers.known();
      }
      timers.awaitTokenEnd(() => links.checkTokens());
    },
    congested() {
      const congested = isCongested();
      held ||= congested;
      return congested;
    },
    onError,
  };
  const links = createLinkTable(context);

  function end(): void {
    if (ended) return;
    ended = true;
    timers.stop();
    links.releaseAll();
    incomplete.clear();
    outgoing.leave();
    context.transactions.abandon();
    onEnd();
  }

  connection.on('connection_open', () => (known ? timers.known() : timers.awaitToken()));
  socket.on('drain', () => {
    isCongested();
    links.resume();
  });
  socket.on('close', end);
  connection.on('connection_close', end);
  connection.on('disconnected', end);
  connection.on('error', (error: unknown) => {
    logger.info({ reason: messageOf(error) }, 'connection failed');
    fail(
      error instanceof ProtocolViolation ? { condition: error.condition, description: error.message } : internalError,
    );
  });
  acceptLinks(context, links, fail);
  ignoreWhatPeersSay(connection);

  return {
    links: () => links.size,
    close(fault) {
      end();
      connection.close({ ...fault });
    },
  };
}

function acceptLinks(context: ConnectionContext, links: LinkTable, fail: (fault: AmqpFault) => void): void {
  const { connection } = context;
  const tooMany = () => fail(tooManyLinks);
  connection.on('receiver_open', ({ receiver }: EventContext) => {
    const link = receiver as Receiver;
    const taken = links.attach(link, 'receiver', (address, path) =>
      address.kind === 'cbs' || address.kind === 'management'
        ? serveNode(context, link, { address, path })
        : openReceiverLink(context, link, address),
    );
    if (!taken) tooMany();
  });
  connection.on('sender_open', ({ sender }: EventContext) => {
    const link = sender as Sender;
    // Answers of a node go out on such a link; there is nothing to serve.
    const taken = links.attach(link, 'sender', (address) =>
      address.kind === 'cbs' || address.kind === 'management' ? {} : openSenderLink(context, link, address),
    );
    if (!taken) tooMany();
  });
  connection.on('session_close', ({ session }: EventContext) => links.leave(session));
}

/** Errors with which a peer ends its session or connection are its own affair; rhea throws those that nobody hears. */
function ignoreWhatPeersSay(connection: Connection): void {
  connection.on('connection_error', () => {});
  connection.on('session_error', () => {});
  connection.on('protocol_error', (error: unknown) => connection.emit('error', error));
}
