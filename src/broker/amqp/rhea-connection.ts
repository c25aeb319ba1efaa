import type { Duplex } from 'node:stream';
import rhea, { type Connection, type Container, type Delivery, type Receiver, type Sender } from 'rhea';
import type { AmqpFault } from './conditions.js';
import { FIELD_COUNTS, LIMITS } from './gate/index.js';
import type { GatedSocket } from './gated-socket.js';
import { takeTransactions } from './transactions/wire.js';

/*
 * How a connection of rhea is made to behave as the broker needs it. This file and `transport.ts` are all that depends on
 * how rhea works inside. They were written against rhea 3.0.5.
 */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Room for a whole message in one frame, so that large batches need no joining of fragments. */
export const MAX_FRAME_BYTES = MAX_MESSAGE_BYTES + 64 * 1024;
/** How much of a delivery that is too large is read before its connection ends. */
const MAX_OVERSIZE_BYTES = 64 * 1024 * 1024;
/** Bytes of deliveries of one connection whose last frame has not come yet. */
const MAX_INCOMPLETE_BYTES = 16 * 1024 * 1024;
/** Longest that a timer of node can wait, twice: rhea waits for half of the peer's idle time-out. */
const MAX_IDLE_TIME_OUT_MS = 0xfffffffe;
/**
 * Deliveries that may be unsettled in a session. rhea keeps them in a ring that only the oldest leaves, so one message that
 * stays locked must not stop the rest.
 */
const SESSION_BUFFER = { incoming: 2048, outgoing: 65_536 };

export function createAmqpContainer(id: string): Container {
  return rhea.create_container({ id });
}

interface Composite {
  value: unknown[];
  readonly constructor: { readonly descriptor?: { readonly numeric: number } };
}

/** A value of rhea that is written as it is: a described list, where `descriptor` is set. */
interface Described {
  readonly descriptor?: { readonly value: unknown };
  readonly type?: { readonly width: number };
  readonly value?: unknown;
}

interface TransferFrame {
  readonly channel: number;
  readonly performative: {
    value: unknown[];
    delivery_tag?: Buffer;
    message_format?: number;
    handle: number;
    more?: boolean;
    settled?: boolean;
    aborted?: boolean;
    delivery_id?: number;
  };
  payload?: Buffer | undefined;
}

interface FlowFrame {
  readonly performative: { handle?: number | null; delivery_count?: number | null };
}

interface IncompleteDelivery {
  settled: boolean;
  remote_settled: boolean;
  readonly id: number;
}

interface ReceiverInternals {
  credit: number;
  delivery_count: number;
  _incomplete: IncompleteDelivery | undefined;
  is_receiver(): boolean;
  readonly session: { readonly incoming: { next_transfer_id: number; next_delivery_id: number | undefined } };
}

interface Internals {
  output(): void;
  _process(): void;
  _write_close(): void;
  _write_frame(channel: number, frame?: Composite, payload?: Buffer): void;
  readonly local: { readonly close: { error: unknown } };
  readonly remote: { readonly open: { idle_time_out?: number } };
  readonly remote_channel_map: Record<number, { remote: { handles: Record<number, ReceiverInternals | undefined> } }>;
  on_transfer(frame: TransferFrame): void;
  on_flow(frame: FlowFrame): void;
  accept(socket: GatedSocket): void;
}

const internals = (connection: Connection) => connection as unknown as Internals;
const prototypeOf = (connection: Connection) => Object.getPrototypeOf(connection) as Internals;

const MESSAGE_FORMAT_FIELD = 3;

/** An error of the peer's making, with the condition that it is told. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.condition = condition;
  }
}

/**
 * Messages arrive as bytes: rhea decodes format 0 by itself, and a cleared format keeps it from that. What the broker
 * stores is never decoded and encoded again.
 */
function takeTransfers(connection: Connection, maxIncompleteBytes: () => number): void {
  const inner = internals(connection);
  const proto = prototypeOf(connection);
  const bound = boundDeliveries(maxIncompleteBytes);
  inner.on_transfer = (frame) => {
    const { performative, channel } = frame;
    const link = inner.remote_channel_map[channel]?.remote.handles[performative.handle];
    if (!link?.is_receiver())
      throw new PeerError('amqp:not-allowed', 'a transfer on a link on which the peer receives');
    if (performative.message_format === 0) performative.value[MESSAGE_FORMAT_FIELD] = undefined;
    // A delivery keeps its tag until it is settled: as a view it would keep all bytes that came with it.
    if (performative.delivery_tag) performative.delivery_tag = Buffer.from(performative.delivery_tag);
    bound(frame);
    if (performative.aborted) {
      abort(link, performative.delivery_id);
      (link as unknown as Receiver).add_credit(1);
      return;
    }
    if (link._incomplete !== undefined && performative.settled) link._incomplete.remote_settled = true;
    if (link._incomplete === undefined && link.credit <= 0) refuseWithoutCredit(link);
    proto.on_transfer.call(connection, frame);
  };
}

/** A delivery that the sender gave up: what has come of it is forgotten, and it is settled (section 2.6.14). */
function abort(link: ReceiverInternals, deliveryId: number | undefined): void {
  const { incoming } = link.session;
  incoming.next_transfer_id++;
  link.credit--;
  link.delivery_count++;
  if (link._incomplete !== undefined) {
    link._incomplete.settled = true;
    link._incomplete = undefined;
  } else if (deliveryId !== undefined) incoming.next_delivery_id = deliveryId + 1;
}

/** The link is closed, as whoever ignores the credit of one link breaks that link only; its handler drops the message. */
function refuseWithoutCredit(link: ReceiverInternals): void {
  (link as unknown as Receiver).close({
    condition: 'amqp:link:transfer-limit-exceeded',
    description: 'A message was sent without credit.',
  });
  link.credit = 1;
}

/**
 * rhea would join any number of frames to one delivery, on any number of links. What comes beyond the largest message is
 * let go, and the delivery, which stays larger than that, is refused when it is complete: its sender learns why, and the
 * connection goes on. A delivery that finds no end is cut off.
 */
function boundDeliveries(maxIncompleteBytes: () => number): (frame: TransferFrame) => void {
  /** Bytes of the deliveries whose frames are still coming, by channel and handle. */
  const incomplete = new Map<string, number>();
  let all = 0;
  const kept = (bytes: number) => Math.min(bytes, MAX_FRAME_BYTES);
  return (frame) => {
    const { channel, performative, payload } = frame;
    if (!performative.more && incomplete.size === 0) return;
    const key = `${channel}:${performative.handle}`;
    const before = incomplete.get(key) ?? 0;
    const total = before + (payload?.length ?? 0);
    const goesOn = performative.more === true && !performative.aborted;
    all += (goesOn ? kept(total) : 0) - kept(before);
    if (goesOn) incomplete.set(key, total);
    else incomplete.delete(key);
    const room = MAX_FRAME_BYTES - before;
    if (total > MAX_FRAME_BYTES) frame.payload = room > 0 ? payload?.subarray(0, room) : undefined;
    if (total > MAX_OVERSIZE_BYTES) {
      throw new PeerError('amqp:link:message-size-exceeded', 'a delivery is larger than the largest message');
    }
    if (all > maxIncompleteBytes()) {
      throw new PeerError('amqp:resource-limit-exceeded', 'too many bytes of deliveries that are not complete');
    }
  };
}

export const incompleteBound = (known: boolean): number => (known ? MAX_INCOMPLETE_BYTES : 64 * 1024);

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
  readonly maxIncompleteBytes: () => number;
  /** Told when a session may have become able to take more. */
  readonly onWindow: () => void;
  /** Told when bytes that waited in rhea have gone out. */
  readonly onSent: () => void;
}

/** Speaks AMQP, as the server, on a socket that has passed the gate. */
export function acceptConnection(container: Container, gated: GatedSocket, socket: Duplex, options: AcceptOptions) {
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
  takeTransfers(connection, options.maxIncompleteBytes);
  completeFlows(connection, options.onWindow);
  takeTransactions(connection);
  completeFrames(connection);
  gatherWrites(connection, socket);
  connection.on('connection_open', () => {
    const { open } = internals(connection).remote;
    if ((open.idle_time_out ?? 0) > MAX_IDLE_TIME_OUT_MS) open.idle_time_out = MAX_IDLE_TIME_OUT_MS;
  });
  connection.on('session_open', ({ session }) => {
    (session as unknown as { local: { begin: { handle_max: number } } }).local.begin.handle_max = LIMITS.handleMax;
  });
  internals(connection).accept(gated);
  return connection;
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
