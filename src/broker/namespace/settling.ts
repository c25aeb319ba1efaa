import type { BareChanges } from '../message/index.js';
import type { ReceiveDeferred } from './deferred-access.js';
import type { PrepareSettlement } from './prepared-settlement.js';

export type SettleOutcome = 'done' | 'lock-lost' | 'session-lock-lost';

export interface DeadLetterReason {
  readonly reason: string;
  readonly description?: string;
  /** Further application properties that the receiver sets. */
  readonly changes?: BareChanges;
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
