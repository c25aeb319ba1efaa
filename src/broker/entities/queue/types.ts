import type { Write } from '../../store/types.js';

/** What is kept of a queue beside its messages; written with every batch that changes it. */
export interface QueueState {
  /** The number that the next message gets. Never goes back. */
  readonly nextSequence: number;
  /** No active message below this number is there any more: where reading begins after a start. */
  readonly firstSequence: number;
  /** Active messages, the locked ones among them. */
  readonly count: number;
  /** Of all messages, whatever their state. */
  readonly bytes: number;
  readonly deferredCount: number;
  /** All that ever left for good: completed, expired, or moved elsewhere. */
  readonly removedCount: number;
  /** Messages below were delivered once, also if they are still out, unless they have a delivery count of their own. */
  readonly deliveredBelow: number;
}

export const EMPTY_QUEUE: QueueState = {
  nextSequence: 1,
  firstSequence: 1,
  count: 0,
  bytes: 0,
  deferredCount: 0,
  removedCount: 0,
  deliveredBelow: 0,
};

/** Where a message is: among those that are delivered in turn, or set aside for who knows its number. */
type MessageState = 'active' | 'deferred';

/** A message as the queue knows it. Its record is there only while it is recent; otherwise it is read from the store. */
export interface QueueEntry {
  readonly sequence: number;
  sizeBytes: number;
  readonly expiresAtMs: number;
  state: MessageState;
  /** In a queue that requires sessions. */
  readonly sessionId?: string | undefined;
  /** How often it was delivered and came back. */
  deliveryCount: number;
  /** What the store has for it; more while it is being delivered again. Undefined where it has nothing. */
  storedCount?: number | undefined;
  record: Buffer | undefined;
}

export interface Taken {
  readonly entry: QueueEntry;
  /** The record where it was at hand. */
  readonly record: Buffer | undefined;
  readonly lockToken: string;
  readonly lockedUntilMs: number;
}

/** A message that cannot be delivered: its time to live is over, or it was delivered as often as may be. */
export type Unfit = { readonly expired: QueueEntry } | { readonly exceeded: QueueEntry };

export interface QueueLimits {
  readonly lockDurationMs: number;
  readonly maxDeliveryCount: number;
}

/** `dead-letter`: nobody gets it any more; whoever asked moves it elsewhere in the commit that takes its `discard`. */
export type Settlement =
  | { readonly kind: 'done'; readonly entry: QueueEntry; readonly writes: readonly Write[] }
  | { readonly kind: 'dead-letter'; readonly entry: QueueEntry }
  | { readonly kind: 'lock-lost' };

/** What to read from the store: at the most `limit` active messages of a range. */
export interface Load {
  readonly fromSequence: number;
  readonly toSequence: number;
  readonly limit: number;
}

/** How many messages, and bytes of them, wait in memory ahead of the receivers. The rest waits in the store. */
export interface WindowBounds {
  readonly messages: number;
  readonly bytes: number;
  /** How many removals may pass before the oldest message is looked for again. */
  readonly removalsPerRecount: number;
}

export const WINDOW: WindowBounds = { messages: 4096, bytes: 8 * 1024 * 1024, removalsPerRecount: 1024 };
