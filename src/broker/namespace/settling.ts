import type { BareChanges } from '../message/index.js';
import type { Write } from '../store/types.js';
import type { ReceiveDeferred } from './deferred-access.js';
import type { Staged } from './staged.js';

export type SettleOutcome = 'done' | 'lock-lost' | 'session-lock-lost';

export interface DeadLetterReason {
  readonly reason: string;
  readonly description?: string;
  /** Further application properties that the receiver sets. */
  readonly changes?: BareChanges;
}

/** How a receiver settles a message. */
export type SettleAction =
  | { readonly kind: 'complete' | 'release' }
  | { readonly kind: 'abandon' | 'defer'; readonly changes: BareChanges }
  | { readonly kind: 'dead-letter'; readonly why: DeadLetterReason };

/** Reads what a settlement needs; undefined when the lock was lost. */
export type PrepareSettlement = (token: string, action: SettleAction) => Promise<PreparedSettlement | undefined>;

/** A settlement that is decided on and not done yet. */
export interface PreparedSettlement {
  /** Whether the message is still locked for who settles it. */
  holds(): boolean;
  /** Does it, in memory; `writes` and `staged` are to be committed in the same step. */
  apply(): { readonly writes: readonly Write[]; readonly staged: readonly Staged[]; done(): void };
}

/** What a receiver does with messages of a queue, or of its session of one. Promises resolve when it is durable. */
export interface Settling {
  complete(token: string): Promise<SettleOutcome>;
  abandon(token: string, changes?: BareChanges): Promise<SettleOutcome>;
  /** Sets a message aside: from now on only `receiveDeferred` finds it. */
  defer(token: string, changes?: BareChanges): Promise<SettleOutcome>;
  deadLetter(token: string, why: DeadLetterReason): Promise<SettleOutcome>;
  readonly receiveDeferred: ReceiveDeferred;
  /** For settlements that are part of a transaction. */
  readonly prepareSettlement: PrepareSettlement;
}
