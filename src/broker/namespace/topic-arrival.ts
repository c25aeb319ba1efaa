import type { FilterableMessage } from '../filters/index.js';
import type { IncomingMessage } from '../message/index.js';
import { withLife } from './time-to-live.js';

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

/** The message as the rules of a topic's subscriptions see it: with what the topic itself gave it. */
function viewAt(message: IncomingMessage, arrival: Arrival): FilterableMessage {
  const { filterable, raw, ttlMs = Number.POSITIVE_INFINITY, enqueuedSequence = arrival.sequence } = message;
  return {
    system(name) {
      switch (name) {
        case 'SequenceNumber':
          return BigInt(arrival.sequence);
        case 'EnqueuedSequenceNumber':
          return BigInt(enqueuedSequence);
        case 'EnqueuedTimeUtc':
          return new Date(arrival.nowMs);
        case 'ExpiresAtUtc':
          return new Date(Math.min(arrival.nowMs + ttlMs, LAST_MOMENT_MS));
        case 'TimeToLive':
          return spanText(ttlMs);
        case 'DeliveryCount':
          return 0n;
        case 'Size':
          return BigInt(raw.length);
        default:
          return filterable.system(name);
      }
    },
    property: filterable.property,
  };
}

/** A message as it enters a topic. */
export function arriveAtTopic(message: IncomingMessage, arrival: Arrival): IncomingMessage {
  const limited = withLife(message, arrival.timeToLiveMs);
  return {
    ...limited,
    enqueuedSequence: message.enqueuedSequence ?? arrival.sequence,
    filterable: viewAt(limited, arrival),
  };
}
