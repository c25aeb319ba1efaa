import type { Duplex } from 'node:stream';
import rhea, { type Connection, type Container, type Delivery, type Receiver, type Sender } from 'rhea';
import type { AmqpFault } from './conditions.js';

/**
 * Everything that depends on how rhea works inside is in this file. It was written against rhea 3.0.5.
 */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Room for a whole message in one frame, so that large batches need no joining of fragments. */
const MAX_FRAME_BYTES = MAX_MESSAGE_BYTES + 64 * 1024;
/** Azure's services announce the same two. */
const IDLE_TIME_OUT_MS = 240_000;
const CHANNEL_MAX = 4999;
/**
 * Deliveries that may be unsettled in a session. rhea keeps them in a ring that only the oldest leaves, so one message that
 * stays locked must not stop the rest.
 */
const SESSION_BUFFER = { incoming: 2048, outgoing: 65_536 };

export function createAmqpContainer(id: string): Container {
  return rhea.create_container({ id });
}

/** Parts of rhea's message module that its types leave out. */
const outcomes = rhea.message as unknown as {
  accepted(): { described(): unknown };
  rejected(fields: { error?: AmqpFault }): { described(): unknown };
};

interface Internals {
  input(chunk: Buffer): void;
  output(): void;
  _process(): void;
  _write_close(): void;
  readonly local: { readonly close: { error: unknown } };
  on_transfer(frame: TransferFrame): void;
  on_flow(frame: FlowFrame): void;
  frame_size?: number;
  accept(socket: Duplex): void;
}

interface TransferFrame {
  readonly channel: number;
  readonly performative: {
    value: unknown[];
    delivery_tag?: Buffer;
    message_format?: number;
    handle: number;
    more?: boolean;
  };
  readonly payload?: Buffer;
}

interface FlowFrame {
  readonly performative: { handle?: number | null; delivery_count?: number | null };
}

/** The reader of AMQP values, which its types leave out too. */
interface Reader {
  read_array_items(count: number, type: { readonly width: number }): unknown[];
}
const readerPrototype = (rhea.types as unknown as { Reader: { prototype: Reader } }).Reader.prototype;
const readArrayItems = readerPrototype.read_array_items;
const MAX_EMPTY_ITEMS = 65_536;

/** An array of values without bytes (nulls, zeros) may announce billions of them in ten bytes. */
readerPrototype.read_array_items = function (count, type) {
  if (type.width === 0 && count > MAX_EMPTY_ITEMS) throw new RangeError('an array with too many empty items');
  return readArrayItems.call(this, count, type);
};

const internals = (connection: Connection) => connection as unknown as Internals;

const MESSAGE_FORMAT_FIELD = 3;

/**
 * Messages arrive as bytes: rhea decodes format 0 by itself, and a cleared format keeps it from that. What the broker
 * stores is never decoded and encoded again.
 */
function takeRawMessages(connection: Connection): void {
  const inner = internals(connection);
  const proto = Object.getPrototypeOf(connection) as Internals;
  /** Bytes of the deliveries whose frames are still coming, by channel and handle. */
  const incomplete = new Map<string, number>();
  inner.on_transfer = (frame) => {
    const { performative, payload } = frame;
    if (performative.message_format === 0) performative.value[MESSAGE_FORMAT_FIELD] = undefined;
    // A delivery keeps its tag until it is settled: as a view it would keep all bytes that came with it.
    if (performative.delivery_tag) performative.delivery_tag = Buffer.from(performative.delivery_tag);
    if (performative.more || incomplete.size > 0) boundDelivery(incomplete, frame, payload?.length ?? 0);
    proto.on_transfer.call(connection, frame);
  };
}

/** A receiver that does not know our count yet leaves it out; rhea would make its credit NaN. */
function completeFlows(connection: Connection): void {
  const inner = internals(connection);
  const proto = Object.getPrototypeOf(connection) as Internals;
  inner.on_flow = (frame) => {
    const { performative } = frame;
    const ofLink = performative.handle !== undefined && performative.handle !== null;
    if (ofLink) performative.delivery_count ??= 0;
    proto.on_flow.call(connection, frame);
  };
}

/** rhea would join any number of frames to one delivery. */
function boundDelivery(incomplete: Map<string, number>, { channel, performative }: TransferFrame, bytes: number): void {
  const key = `${channel}:${performative.handle}`;
  const total = (incomplete.get(key) ?? 0) + bytes;
  if (total > MAX_FRAME_BYTES) throw new RangeError('a delivery is larger than the largest message');
  if (performative.more) incomplete.set(key, total);
  else incomplete.delete(key);
}

/** Bytes that were given to rhea since it last wrote. */
const queued = new WeakMap<Connection, number>();

/** Bytes on their way to the peer: in rhea, and in the socket. */
export const outgoingBytes = (connection: Connection, socket: Duplex): number =>
  (queued.get(connection) ?? 0) + socket.writableLength;

/** Sends the bytes of an encoded message, settled or to be settled by the peer. */
export function sendEncoded(sender: Sender, payload: Buffer, tag: Buffer, settled: boolean): Delivery {
  const { connection } = sender;
  queued.set(connection, (queued.get(connection) ?? 0) + payload.length);
  const delivery = sender.send(payload, tag, 0);
  if (settled) (delivery as { settled: boolean }).settled = true;
  return delivery;
}

/** One write to the socket for all frames of a turn, instead of one each. */
function gatherWrites(connection: Connection, socket: Duplex): void {
  const inner = internals(connection);
  const proto = Object.getPrototypeOf(connection) as Internals;
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
      queued.set(connection, 0);
      proto.output.call(connection);
      socket.uncork();
    }
  };
}

/** rhea believes any frame size that a peer announces, and would gather that much. */
function boundFrames(connection: Connection, socket: Duplex): void {
  const inner = internals(connection);
  const proto = Object.getPrototypeOf(connection) as Internals;
  inner.input = (chunk) => {
    proto.input.call(connection, chunk);
    if ((inner.frame_size ?? 0) > MAX_FRAME_BYTES) socket.destroy();
  };
}

/** Speaks AMQP, as the server, on a socket whose first bytes are still to be read. */
export function acceptConnection(container: Container, socket: Duplex): Connection {
  const options = {
    container_id: container.id,
    max_frame_size: MAX_FRAME_BYTES,
    idle_time_out: IDLE_TIME_OUT_MS,
    channel_max: CHANNEL_MAX,
    tcp_no_delay: true,
    reconnect: false,
    session_buffer_size: SESSION_BUFFER,
    sender_options: { autosettle: false, treat_modified_as_released: false },
    receiver_options: { autoaccept: false, autosettle: true, credit_window: 0, max_message_size: MAX_MESSAGE_BYTES },
  };
  const connection = container.create_connection(options as never) as Connection;
  takeRawMessages(connection);
  completeFlows(connection);
  gatherWrites(connection, socket);
  boundFrames(connection, socket);
  internals(connection).accept(socket);
  return connection;
}

/** Writes what waits now. Must not be called inside an event of rhea. */
const flush = (connection: Connection): void => internals(connection)._process();

/** How many more messages the peer takes on this link, those counted off that wait in the session already. */
export function freeCredit(sender: Sender): number {
  const { outgoing } = sender.session as unknown as {
    outgoing: { next_delivery_id: number; next_pending_delivery: number; available(): number };
  };
  const waiting = outgoing.next_delivery_id - outgoing.next_pending_delivery;
  const { credit } = sender as unknown as { credit: number };
  return Math.min(credit - waiting, outgoing.available());
}

/** Answers a drain: what credit is left is given back. */
export function drained(sender: Sender): void {
  sender.set_drained(true);
  (sender.connection as unknown as { _register(): void })._register();
}

export function acceptDelivery(delivery: Delivery): void {
  if (delivery.link.connection.is_closed()) return;
  delivery.update(true, outcomes.accepted().described());
}

/**
 * Settles with an outcome other than accepted. rhea may merge neighbouring dispositions whose outcomes differ, so each of
 * these leaves alone.
 */
export function settleAlone(connection: Connection, delivery: Delivery, state: unknown): void {
  if (connection.is_closed()) return;
  flush(connection);
  delivery.update(true, state);
  flush(connection);
}

export const rejectedState = (fault: AmqpFault): unknown => outcomes.rejected({ error: fault }).described();

/** The answer to a client's own rejection: the SDKs take one with an error for a failure. */
export const deadLetteredState = (): unknown => outcomes.rejected({}).described();

/** Refuses an attach: the link is answered without a terminus and closed with the error (AMQP 1.0, section 2.6.3). */
export function refuse(link: Sender | Receiver, fault: AmqpFault): void {
  setAttach(link, { source: undefined, target: undefined });
  link.close({ ...fault });
}

/** Our side of an attach that has not been answered yet. */
export interface HeldAttach {
  /** Answers the attach with these fields of ours. */
  answer(fields: Readonly<Record<string, unknown>>): void;
  refuse(fault: AmqpFault): void;
  /** The peer has gone: the attach is answered without a terminus, so that its detach can be. */
  abandon(): void;
}

/** Keeps back our side of an attach. Only within the event that brought it: rhea has opened the link, but written nothing. */
export function holdAttach(link: Sender): HeldAttach {
  const { state } = link as unknown as { state: { local_open: boolean; open_requests: number } };
  state.local_open = false;
  state.open_requests = 0;
  let answered = false;
  function open(fields: Readonly<Record<string, unknown>>): boolean {
    if (answered || link.session.is_closed()) return false;
    answered = true;
    setAttach(link, fields);
    (link as unknown as { open(): void }).open();
    return true;
  }
  const nowhere = { source: undefined, target: undefined };
  return {
    answer: (fields) => void open(fields),
    refuse(fault) {
      if (open(nowhere)) link.close({ ...fault });
    },
    abandon: () => void open(nowhere),
  };
}

/** Attaches with the terminus that the peer asked for. */
export function echoTermini(link: Sender | Receiver): void {
  const { local, remote } = link as unknown as {
    local: { attach: Record<'source' | 'target', unknown> };
    remote: { attach: Record<'source' | 'target', unknown> };
  };
  local.attach.source = remote.attach.source;
  local.attach.target = remote.attach.target;
}

/** Fields of our attach that rhea takes from options otherwise. */
export function setAttach(link: Sender | Receiver, fields: Readonly<Record<string, unknown>>): void {
  Object.assign((link as unknown as { local: { attach: object } }).local.attach, fields);
}

/** The state of the SASL exchange, which rhea keeps to itself. */
interface SaslState {
  readonly selected?: { readonly outcome?: number; readonly mechanism?: { readonly callback?: unknown } };
}

/** Whether the client has shown an access key at the door (SASL PLAIN). */
export function provedKey(connection: Connection): boolean {
  const { selected } = (connection as unknown as { sasl_transport?: SaslState }).sasl_transport ?? {};
  // Of the mechanisms that are offered only PLAIN has a callback.
  return selected?.mechanism?.callback !== undefined && selected.outcome === 0;
}

interface Mechanisms {
  enable_anonymous(): void;
  enable_plain(check: (name: string | null, key: string | null) => boolean): void;
  ANONYMOUS?: unknown;
  MSSBCBS?: unknown;
}

/**
 * Offers anonymous first, which the official SDKs take: what they may do is decided by the tokens that they put to `$cbs`.
 * MSSBCBS is another name for the same.
 */
export function offerMechanisms(
  container: Container,
  check: (name: string | null, key: string | null) => boolean,
): void {
  const mechanisms = container.sasl_server_mechanisms as unknown as Mechanisms;
  mechanisms.enable_anonymous();
  mechanisms.MSSBCBS = mechanisms.ANONYMOUS;
  mechanisms.enable_plain(check);
}
