import type { Duplex } from 'node:stream';
import rhea, { type Connection, type Container, type Delivery, type Receiver, type Sender, type Session } from 'rhea';
import type { AmqpFault } from './conditions.js';
import { FIELD_COUNTS, LIMITS } from './gate/index.js';
import type { GatedSocket } from './gated-socket.js';
import type { IncompleteDeliveries } from './incomplete.js';
import { type Composite, type Described, internals, prototypeOf, type SessionInternals } from './rhea-internals.js';
import { answerAttachesFirst, endSessionsAlone, tellDirectionsApart } from './rhea-sessions.js';
import { MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, SESSION_WINDOW, takeTransfers } from './rhea-transfers.js';
import { takeTransactions } from './transactions/wire.js';

/*
 * How a connection of rhea is made to behave as the broker needs it. This file, `rhea-transfers.ts`, `rhea-internals.ts` and
 * `transport.ts` are all that depends on how rhea works inside. They were written against rhea 3.0.5.
 */
/** Longest that a timer of node can wait, twice: rhea waits for half of the peer's idle time-out. */
const MAX_IDLE_TIME_OUT_MS = 0xfffffffe;
/**
 * Deliveries that may be unsettled in a session. rhea keeps them in a ring that only the oldest leaves, so one message that
 * stays locked must not stop the rest.
 */
const SESSION_BUFFER = { incoming: SESSION_WINDOW, outgoing: 65_536 };

export function createAmqpContainer(id: string): Container {
  return rhea.create_container({ id });
}

/**
 * A receiver that does not know our count yet leaves it out; rhea would make its credit NaN. A flow of the session alone
 * may open its window, of which rhea tells nobody.
 */
function completeFlows(connection: Connection, onWindow: () => void): void {
  const inner = internals(connection);
  const proto = prototypeOf(connection);
  inner.on_flow = (frame) => {
    const { performative } = frame;
    const ofLink = performative.handle !== undefined && performative.handle !== null;
    if (ofLink) performative.delivery_count ??= 0;
    // rhea would take the credit that a sender says it has; the broker alone gives it, and never asks to drain it.
    if (
      ofLink &&
      inner.remote_channel_map[frame.channel]?.remote.handles[performative.handle as number]?.is_receiver()
    ) {
      performative.drain = false;
    }
    proto.on_flow.call(connection, frame);
    if (!ofLink) onWindow();
  };
}

/** Some clients read the fields of performatives by position: fields at the end that are null are written too. */
function completeFrames(connection: Connection): void {
  const inner = internals(connection);
  const proto = prototypeOf(connection);
  inner._write_frame = (channel, frame, payload) => {
    const count = FIELD_COUNTS.get(frame?.constructor.descriptor?.numeric ?? -1);
    if (frame !== undefined && count !== undefined) completeList(frame.value, count);
    proto._write_frame.call(connection, channel, frame, payload);
  };
}

function completeList(fields: unknown[], count: number): void {
  for (const field of fields) {
    const { descriptor, type, value, constructor: composite } = (field ?? {}) as Described & Partial<Composite>;
    const code = descriptor?.value ?? composite?.descriptor?.numeric;
    const nested = typeof code === 'number' ? FIELD_COUNTS.get(code) : undefined;
    // The empty list is a type of its own, which cannot be made longer.
    if (nested !== undefined && Array.isArray(value) && type?.width !== 0) completeList(value, nested);
  }
  if (fields.length < count) fields.length = count;
}

interface Outgoing {
  readonly next_pending_delivery: number;
}

interface Unsent {
  readonly delivery: Delivery & { data: Buffer[] };
  readonly bytes: number;
}

/** What was given to rhea and is not on its way yet. */
interface Egress {
  unsent: Unsent[];
  bytes: number;
  /** Told when bytes have gone out. */
  onSent: () => void;
}

const egresses = new WeakMap<Connection, Egress>();

function egressOf(connection: Connection): Egress {
  const known = egresses.get(connection);
  if (known) return known;
  const made = { unsent: [], bytes: 0, onSent: () => {} };
  egresses.set(connection, made);
  return made;
}

/** Bytes on their way to the peer: in rhea, and in the socket. */
export const outgoingBytes = (connection: Connection, socket: Duplex): number =>
  egressOf(connection).bytes + socket.writableLength;

export function countOutgoing(delivery: Delivery, bytes: number): void {
  const egress = egressOf(delivery.link.connection);
  egress.unsent.push({ delivery: delivery as Unsent['delivery'], bytes });
  egress.bytes += bytes;
}

const outgoingOf = (link: Delivery['link']) => (link.session as unknown as { outgoing: Outgoing }).outgoing;

/** rhea keeps the bytes of a delivery until it is settled, which a client may never do. */
function forgetSent(egress: Egress): void {
  if (egress.unsent.length === 0) return;
  const before = egress.bytes;
  egress.unsent = egress.unsent.filter(({ delivery, bytes }) => {
    const sent = delivery.id < outgoingOf(delivery.link).next_pending_delivery;
    if (!sent && !delivery.link.is_closed()) return true;
    if (sent) delivery.data = [];
    egress.bytes -= bytes;
    return false;
  });
  if (egress.bytes < before) egress.onSent();
}

/** One write to the socket for all frames of a turn, instead of one each. */
function gatherWrites(connection: Connection, socket: Duplex): void {
  const inner = internals(connection);
  const proto = prototypeOf(connection);
  const egress = egressOf(connection);
  let gathering = false;
  inner._write_close = () => {
    // rhea forgets the reason of a close once it is handed over, which here is before it is written.
    const { error } = inner.local.close;
    proto._write_close.call(connection);
    inner.local.close.error = error;
  };
  inner.output = () => {
    if (!gathering) proto.output.call(connection);
  };
  inner._process = () => {
    if (gathering) return;
    gathering = true;
    socket.cork();
    try {
      proto._process.call(connection);
    } finally {
      gathering = false;
      proto.output.call(connection);
      socket.uncork();
      forgetSent(egress);
    }
  };
}

export interface AcceptOptions {
  readonly idleTimeOutMs: number;
  readonly incomplete: IncompleteDeliveries;
  readonly maxIncompleteBytes: () => number;
  /** Told when a session may have become able to take more. */
  readonly onWindow: () => void;
  /** Told when bytes that waited in rhea have gone out. */
  readonly onSent: () => void;
  /** Told when a session has to end for what its peer did in it. */
  readonly onSessionFault: (session: Session, fault: AmqpFault) => void;
}

export interface AcceptedConnection {
  readonly connection: Connection;
  /** Ends the session of that channel of the peer alone. */
  endSession(channel: number, fault: AmqpFault): void;
}

/** Speaks AMQP, as the server, on a socket that has passed the gate. */
export function acceptConnection(
  container: Container,
  gated: GatedSocket,
  socket: Duplex,
  options: AcceptOptions,
): AcceptedConnection {
  const settings = {
    container_id: container.id,
    max_frame_size: MAX_FRAME_BYTES,
    idle_time_out: options.idleTimeOutMs,
    channel_max: LIMITS.channelMax,
    disable_sasl: true,
    reconnect: false,
    session_buffer_size: SESSION_BUFFER,
    sender_options: { autosettle: false, treat_modified_as_released: false },
    receiver_options: { autoaccept: false, autosettle: true, credit_window: 0, max_message_size: MAX_MESSAGE_BYTES },
  };
  const connection = container.create_connection(settings as never) as Connection;
  egressOf(connection).onSent = options.onSent;
  const transfers = takeTransfers(connection, options.incomplete, options.maxIncompleteBytes);
  completeFlows(connection, options.onWindow);
  takeTransactions(connection);
  tellDirectionsApart(connection);
  const sessions = endSessionsAlone(connection, (session, fault) => {
    transfers.forget(session as unknown as SessionInternals);
    options.onSessionFault(session, fault);
  });
  completeFrames(connection);
  gatherWrites(connection, socket);
  connection.on('connection_open', () => {
    const { open } = internals(connection).remote;
    if ((open.idle_time_out ?? 0) > MAX_IDLE_TIME_OUT_MS) open.idle_time_out = MAX_IDLE_TIME_OUT_MS;
  });
  connection.on('session_open', ({ session }) => {
    const inside = session as unknown as SessionInternals;
    inside.local.begin.handle_max = LIMITS.handleMax;
    answerAttachesFirst(inside);
  });
  internals(connection).accept(gated);
  return { connection, endSession: sessions.end };
}

/** Ends the connection with the reason; whatever the peer answers, the socket is closed. */
export function failConnection(connection: Connection, gated: GatedSocket, fault: AmqpFault): void {
  if (!connection.is_closed()) {
    connection.open();
    connection.close({ ...fault });
    internals(connection)._process();
  }
  gated.end();
}

/** How many more messages the peer takes on this link, those counted off that wait in the session already. */
export function freeCredit(sender: Sender): number {
  const { outgoing } = sender.session as unknown as {
    outgoing: {
      next_delivery_id: number;
      next_pending_delivery: number;
      available(): number;
      transfer_window(): number;
    };
  };
  const waiting = outgoing.next_delivery_id - outgoing.next_pending_delivery;
  const { credit } = sender as unknown as { credit: number };
  const free = Math.min(credit - waiting, outgoing.available(), outgoing.transfer_window() - waiting);
  // rhea knows neither credit nor window before the first flow of the peer.
  return Number.isNaN(free) ? 0 : free;
}

/**
 * rhea keeps a link under the handle of a peer that has closed it, for as long as the session lives. To be called when a
 * link was closed; the handle may have been given to another link by the time it is forgotten.
 */
export function forgetHandle(link: Sender | Receiver): void {
  const { session } = link as unknown as { session: { remote: { handles: Record<number, unknown> } } };
  const { handle } = (link as unknown as { remote: { attach: { handle: number } } }).remote.attach;
  setImmediate(() => {
    if (session.remote.handles[handle] === link && link.is_closed()) delete session.remote.handles[handle];
  });
}
