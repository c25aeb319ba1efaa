import rhea, { type Connection, type Delivery, type Receiver, type Sender } from 'rhea';
import type { AmqpFault } from './conditions.js';
import { countOutgoing } from './rhea-connection.js';

/*
 * What the broker does with links and deliveries of rhea beyond its documented interface.
 */

/** Parts of rhea's message module that its types leave out. */
const outcomes = rhea.message as unknown as {
  accepted(): { described(): unknown };
  rejected(fields: { error?: AmqpFault }): { described(): unknown };
};

/** Sends the bytes of an encoded message, settled or to be settled by the peer. */
export function sendEncoded(sender: Sender, payload: Buffer, tag: Buffer, settled: boolean): Delivery {
  const delivery = sender.send(payload, tag, 0);
  countOutgoing(delivery, payload.length);
  if (settled) (delivery as { settled: boolean }).settled = true;
  return delivery;
}

/** Writes what waits now. Must not be called inside an event of rhea. */
const flush = (connection: Connection): void => (connection as unknown as { _process(): void })._process();

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

/** A message that came when its link was closed already, which its sender could not know, is not taken. */
export function dropLate(link: Receiver, delivery: Delivery): boolean {
  if (link.is_open()) return false;
  (delivery as { settled: boolean }).settled = true;
  return true;
}

export const acceptedState = (): unknown => outcomes.accepted().described();

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

/** What a peer leaves out is an AMQP null in an object of its own, or nothing. */
interface Terminus {
  described?(): unknown;
}

interface RemoteAttach {
  readonly source: Terminus | null;
  readonly target: Terminus | null;
  readonly properties?: object | null;
}

/** Attaches with the termini that the peer asked for. Some clients that give properties need some back, if only none. */
export function echoTermini(link: Sender | Receiver): void {
  const { source, target, properties } = (link as unknown as { remote: { attach: RemoteAttach } }).remote.attach;
  // As it stands rhea would write the object as a map of everything that it has.
  const termini = { source: source?.described?.(), target: target?.described?.() };
  setAttach(link, properties ? { ...termini, properties: {} } : termini);
}

/** Fields of our attach that rhea takes from options otherwise. */
export function setAttach(link: Sender | Receiver, fields: Readonly<Record<string, unknown>>): void {
  Object.assign((link as unknown as { local: { attach: object } }).local.attach, fields);
}
