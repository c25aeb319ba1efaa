import type { FilterableMessage, SystemProperty } from '../filters/index.js';
import type { IncomingMessage } from '../message/index.js';
import type { FilterValue } from '../topology/types.js';
import { lifeIn } from './time-to-live.js';

export interface Arrival {
  /** The number that the topic gives the message. */
  readonly sequence: number;
  readonly nowMs: number;
  /** The topic's default time to live; it bounds that of the message, and the subscription's bounds both. */
  readonly timeToLiveMs: number;
}

/** What .NET says of a message that lives for ever: the end of its calendar, and its longest span. */
const LAST_MOMENT_MS = 253_402_300_799_999;
const LONGEST_SPAN = '10675199.02:48:05.4775807';
const DAY_MS = 86_400_000;

/** A span of time in the constant format of .NET: `[d.]hh:mm:ss[.fffffff]`. */
function spanText(ms: number): string {
  if (!Number.isFinite(ms)) return LONGEST_SPAN;
  const days = Math.floor(ms / DAY_MS);
  const time = new Date(ms % DAY_MS).toISOString().slice(11, 23);
  const [seconds, fraction] = time.split('.') as [string, string];
  return `${days > 0 ? `${days}.` : ''}${seconds}${fraction === '000' ? '' : `.${fraction}0000`}`;
}

/**
 * The message as the rules of a topic's subscriptions see it: with what the topic itself gave it. A class, since every
 * message has one.
 */
class ArrivedView implements FilterableMessage {
  readonly #message: IncomingMessage;
  readonly #arrival: Arrival;
  readonly #ttlMs: number;

  constructor(message: IncomingMessage, arrival: Arrival, ttlMs = Number.POSITIVE_INFINITY) {
    this.#message = message;
    this.#arrival = arrival;
    this.#ttlMs = ttlMs;
  }

  system(name: SystemProperty): FilterValue | undefined {
    const { filterable, raw, enqueuedSequence } = this.#message;
    const { sequence, nowMs } = this.#arrival;
    switch (name) {
      case 'SequenceNumber':
        return BigInt(sequence);
      case 'EnqueuedSequenceNumber':
        return BigInt(enqueuedSequence ?? sequence);
      case 'EnqueuedTimeUtc':
        return new Date(nowMs);
      case 'ExpiresAtUtc':
        return new Date(Math.min(nowMs + this.#ttlMs, LAST_MOMENT_MS));
      case 'TimeToLive':
        return spanText(this.#ttlMs);
      case 'DeliveryCount':
        return 0n;
      case 'Size':
        return BigInt(raw.length);
      default:
        return filterable.system(name);
    }
  }

  property(name: string): FilterValue | undefined {
    return this.#message.filterable.property(name);
  }
}

/**
 * A message as it enters a topic. Written out field by field, as it was when it was parsed: V8 gives each spread copy a
 * shape of its own, and all that handles it is slow from then on (measured: a tenth of what the broker does for a message).
 */
export function arriveAtTopic(message: IncomingMessage, arrival: Arrival): IncomingMessage {
  const ttlMs = lifeIn(message.ttlMs, arrival.timeToLiveMs);
  return {
    raw: message.raw,
    durable: message.durable,
    priority: message.priority,
    ttlMs,
    messageId: message.messageId,
    sessionId: message.sessionId,
    partitionKey: message.partitionKey,
    viaPartitionKey: message.viaPartitionKey,
    scheduledEnqueueTimeMs: message.scheduledEnqueueTimeMs,
    annotations: message.annotations,
    header: message.header,
    bare: message.bare,
    filterable: new ArrivedView(message, arrival, ttlMs),
    hops: message.hops,
    enqueuedSequence: message.enqueuedSequence ?? arrival.sequence,
    rewritten: message.rewritten,
  };
}
