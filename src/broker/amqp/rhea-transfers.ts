import type { Connection, Delivery, Receiver } from 'rhea';
import { messageTooLarge } from './conditions.js';
import { ProtocolViolation, SessionViolation } from './gate/index.js';
import type { IncompleteDeliveries } from './incomplete.js';
import {
  internals,
  prototypeOf,
  type ReceiverInternals,
  type SessionInternals,
  type TransferFrame,
} from './rhea-internals.js';

export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Room for a whole message in one frame, so that large batches need no joining of fragments. */
export const MAX_FRAME_BYTES = MAX_MESSAGE_BYTES + 64 * 1024;
/** How much of a delivery that is too large is read before its link is closed. */
const MAX_OVERSIZE_BYTES = 64 * 1024 * 1024;
/** Bytes of deliveries of one connection whose last frame has not come yet. */
const MAX_INCOMPLETE_BYTES = 16 * 1024 * 1024;

const MESSAGE_FORMAT_FIELD = 3;
/** As many transfers can be on their way to a link when it is closed: the window of a session. */
export const SESSION_WINDOW = 2048;

/**
 * Messages arrive as bytes: rhea decodes format 0 by itself, and a cleared format keeps it from that. What the broker
 * stores is never decoded and encoded again.
 */
export function takeTransfers(
  connection: Connection,
  incomplete: IncompleteDeliveries,
  maxIncompleteBytes: () => number,
): IncomingTransfers {
  const inner = internals(connection);
  const proto = prototypeOf(connection);
  const bound = boundDeliveries(incomplete, maxIncompleteBytes);
  const checkLate = boundLateTransfers();
  inner.on_transfer = (frame) => {
    const { performative, channel } = frame;
    const link = inner.remote_channel_map[channel]?.remote.handles[performative.handle];
    if (!link?.is_receiver())
      throw new SessionViolation('amqp:not-allowed', 'a transfer on a link on which the peer receives');
    checkLate(link);
    checkOrder(frame, link);
    // rhea gives nothing at all for a frame without a payload.
    frame.payload ??= Buffer.alloc(0);
    if (performative.message_format === 0) performative.value[MESSAGE_FORMAT_FIELD] = undefined;
    // A delivery keeps its tag until it is settled: as a view it would keep all bytes that came with it.
    if (performative.delivery_tag) performative.delivery_tag = Buffer.from(performative.delivery_tag);
    bound(frame, link);
    if (performative.aborted) {
      abort(link, performative.delivery_id);
      (link as unknown as Receiver).add_credit(1);
      return;
    }
    if (link._incomplete !== undefined && performative.settled) link._incomplete.remote_settled = true;
    if (link._incomplete === undefined && link.credit <= 0) refuseWithoutCredit(link);
    proto.on_transfer.call(connection, frame);
  };
  return forgetHalves(connection, incomplete);
}

export interface IncomingTransfers {
  /** What has come of deliveries of the session that are not complete is let go. */
  forget(session: SessionInternals): void;
}

/** A peer may not know yet that its link was closed with an error, for a while (section 2.6.7). */
function boundLateTransfers(): (link: ReceiverInternals) => void {
  const late = new WeakMap<ReceiverInternals, number>();
  return (link) => {
    if (link.is_open()) return;
    const count = (late.get(link) ?? 0) + 1;
    late.set(link, count);
    if (count > SESSION_WINDOW) {
      throw new SessionViolation('amqp:session:errant-link', 'transfers go on on a link that was closed with an error');
    }
  };
}

/** The number of a delivery and the room for it, which rhea leaves to whoever calls it (sections 2.5.6 and 2.7.5). */
function checkOrder({ performative }: TransferFrame, link: ReceiverInternals): void {
  const given = performative.delivery_id ?? undefined;
  const { incoming } = link.session;
  const begun = link._incomplete;
  const expected = begun === undefined ? incoming.next_delivery_id : begun.id;
  if (begun === undefined && given === undefined) {
    throw new SessionViolation('amqp:invalid-field', 'delivery-id: the first transfer of a delivery has to carry it');
  }
  if (given !== undefined && expected !== undefined && given !== expected) {
    throw new SessionViolation('amqp:invalid-field', `delivery-id: ${expected} is expected here, and not ${given}`);
  }
  if (begun === undefined && incoming.window <= 0) {
    throw new SessionViolation('amqp:session:window-violation', 'more transfers than the window of the session allows');
  }
}

/** What has come of a delivery ends with its link: rhea would add what the next link of that name brings. */
function forgetHalves(connection: Connection, incomplete: IncompleteDeliveries): IncomingTransfers {
  const inner = internals(connection);
  const proto = prototypeOf(connection);
  const forget = (link: ReceiverInternals | undefined) => {
    if (link?._incomplete === undefined) return;
    incomplete.done(link);
    link._incomplete.settled = true;
    link._incomplete = undefined;
  };
  inner.on_detach = (frame) => {
    forget(inner.remote_channel_map[frame.channel]?.remote.handles[frame.performative.handle]);
    proto.on_detach.call(connection, frame);
  };
  const forgetAll = (session: SessionInternals | undefined) => {
    for (const link of Object.values(session?.remote.handles ?? {})) forget(link);
  };
  inner.on_end = (frame) => {
    forgetAll(inner.remote_channel_map[frame.channel]);
    proto.on_end.call(connection, frame);
  };
  return { forget: forgetAll };
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

const withoutBytes = new WeakSet<object>();

/** Whether what had come of a delivery was let go to make room for those of others. */
export const wasLetGo = (delivery: Delivery): boolean => withoutBytes.has(delivery);

/**
 * rhea would join any number of frames to one delivery, on any number of links. What comes beyond the largest message is
 * let go, and the delivery, which stays larger than that, is refused when it is complete: its sender learns why, and the
 * link goes on. A delivery that finds no end has its link closed.
 */
function boundDeliveries(
  incomplete: IncompleteDeliveries,
  maxIncompleteBytes: () => number,
): (frame: TransferFrame, link: ReceiverInternals) => void {
  /** All bytes that have come of an incomplete delivery. */
  const come = new WeakMap<object, number>();

  function letGo(link: ReceiverInternals): void {
    if (link._incomplete === undefined) return;
    link._incomplete.frames = [];
    withoutBytes.add(link._incomplete);
  }

  return (frame, link) => {
    const { performative, payload } = frame;
    const delivery = link._incomplete;
    if (!performative.more && delivery === undefined) return;
    const before = delivery === undefined ? 0 : (come.get(link) ?? 0);
    const total = before + (payload?.length ?? 0);
    come.set(link, total);
    const room = MAX_FRAME_BYTES - before;
    if (delivery !== undefined && withoutBytes.has(delivery)) frame.payload = undefined;
    else if (total > MAX_FRAME_BYTES) frame.payload = room > 0 ? payload?.subarray(0, room) : undefined;
    if (total > MAX_OVERSIZE_BYTES) {
      (link as unknown as Receiver).close({ ...messageTooLarge(MAX_MESSAGE_BYTES) });
    }
    if (!performative.more || performative.aborted) incomplete.done(link);
    else if (frame.payload !== undefined) incomplete.keep(link, Math.min(total, MAX_FRAME_BYTES), () => letGo(link));
    if (incomplete.bytes() > maxIncompleteBytes()) {
      throw new ProtocolViolation('amqp:resource-limit-exceeded', 'too many bytes of deliveries that are not complete');
    }
  };
}

export const incompleteBound = (known: boolean): number => (known ? MAX_INCOMPLETE_BYTES : 64 * 1024);
