import type { Delivery, EventContext, Sender } from 'rhea';
import type { BareChanges } from '../message/index.js';
import type { QueueConsumer, QueueRuntime, SettleAction, SettleOutcome } from '../namespace/index.js';
import type { FilterValue } from '../topology/index.js';
import { faultOf, messageLockLost, sessionLockLost } from './conditions.js';
import { deliveryTag } from './lock-token.js';
import { freeCredit } from './rhea-connection.js';
import type { Transactions } from './transactions/registry.js';
import { transactionalState, transactionOfOutcome, unknownTransaction } from './transactions/wire.js';
import { acceptDelivery, deadLetteredState, drained, rejectedState, sendEncoded, settleAlone } from './transport.js';

export interface QueueEgressDeps {
  readonly onError: (error: unknown) => void;
  /** Whether the socket has more to send than it should. */
  readonly congested: () => boolean;
  readonly transactions: Pick<Transactions, 'find'>;
}

export interface Egress {
  /** To be called when the socket is no longer congested. */
  resume(): void;
  detach(): void;
}

type Outcome = 'accepted' | 'released' | 'modified' | 'rejected';

interface Modified {
  readonly undeliverable_here?: boolean;
  readonly message_annotations?: Readonly<Record<string, unknown>>;
}

interface Rejected {
  readonly error?: {
    readonly condition?: string;
    readonly description?: string;
    readonly info?: Readonly<Record<string, unknown>>;
  };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const filterValue = (value: unknown): FilterValue | undefined =>
  value === null || ['string', 'number', 'boolean', 'bigint'].includes(typeof value) || value instanceof Date
    ? (value as FilterValue)
    : undefined;

/** The application properties that a receiver wants to change, although they travel as annotations. */
export function changesOf(properties: Readonly<Record<string, unknown>> | undefined, without: readonly string[] = []) {
  const applicationProperties = new Map<string, FilterValue>();
  for (const [name, raw] of Object.entries(properties ?? {})) {
    const value = filterValue(raw);
    if (value !== undefined && !without.includes(name)) applicationProperties.set(name, value);
  }
  return { applicationProperties } satisfies BareChanges;
}

const REASON = 'DeadLetterReason';
const DESCRIPTION = 'DeadLetterErrorDescription';

export function deadLetterReason(info: Readonly<Record<string, unknown>> | undefined, description?: string) {
  const given = text(info?.[DESCRIPTION]) ?? description;
  return {
    reason: text(info?.[REASON]) ?? '',
    ...(given === undefined ? {} : { description: given }),
    changes: changesOf(info, [REASON, DESCRIPTION]),
  };
}

export const LOST = { 'lock-lost': messageLockLost, 'session-lock-lost': sessionLockLost } as const;

/** A queue, or a session of it, as a link receives from it. */
export type Received = Pick<
  QueueRuntime,
  | 'attach'
  | 'demandChanged'
  | 'quiet'
  | 'complete'
  | 'abandon'
  | 'defer'
  | 'release'
  | 'deadLetter'
  | 'prepareSettlement'
>;

/** Serves a link on which a client receives from a queue, a session, a subscription or a dead-letter queue. */
export function serveQueueEgress(deps: QueueEgressDeps, sender: Sender, queue: Received): Egress {
  const { congested, onError } = deps;
  const settled = sender.snd_settle_mode === 1;
  const tokens = new WeakMap<Delivery, string>();
  let reserved = 0;

  const consumer: QueueConsumer = {
    mode: settled ? 'receive-and-delete' : 'peek-lock',
    wants: () => freeCredit(sender) > reserved && !congested(),
    reserve: () => void reserved++,
    cancel: () => void reserved--,
    // The queue has said it to the log.
    fail: (error) => sender.close({ ...faultOf(error, () => {}) }),
    deliver({ lockToken, payload }) {
      reserved--;
      const delivery = sendEncoded(sender, payload, deliveryTag(lockToken), settled);
      if (!settled) tokens.set(delivery, lockToken);
    },
  };

  /** Tells the client how its settlement ended, once that is durable. */
  async function answer(name: Outcome, delivery: Delivery, work: (token: string) => Promise<SettleOutcome>) {
    const token = tokens.get(delivery);
    if (token === undefined) return;
    tokens.delete(delivery);
    try {
      const outcome = await work(token);
      if (outcome !== 'done') settleAlone(sender.connection, delivery, rejectedState(LOST[outcome]));
      else if (name === 'accepted') acceptDelivery(delivery);
      else settleAlone(sender.connection, delivery, name === 'rejected' ? deadLetteredState() : stateOf(delivery));
    } catch (error) {
      settleAlone(sender.connection, delivery, rejectedState(faultOf(error, onError)));
    }
  }

  /** Notes a settlement for the transaction that it is part of, and says so. */
  async function enlist(id: string, delivery: Delivery, action: SettleAction): Promise<void> {
    const token = tokens.get(delivery);
    if (token === undefined) return;
    tokens.delete(delivery);
    const prepared = queue.prepareSettlement(token, action);
    const transaction = deps.transactions.find(id);
    const fault = transaction === undefined ? unknownTransaction : transaction.settle(prepared);
    // The answer waits for the reading, and thereby never leaves within an event of rhea.
    const held = await prepared.catch(() => undefined);
    const refused = fault ?? (held === undefined ? messageLockLost : undefined);
    const outcome = action.kind === 'dead-letter' ? deadLetteredState() : stateOf(delivery);
    const state = refused ? rejectedState(refused) : transactionalState(id, outcome);
    settleAlone(sender.connection, delivery, state);
  }

  const onOutcome = (name: Outcome, work: (token: string, delivery: Delivery) => Promise<SettleOutcome>) =>
    sender.on(name, ({ delivery }: EventContext) => {
      const transaction = transactionOfOutcome(delivery as Delivery);
      if (transaction !== undefined) {
        void enlist(transaction, delivery as Delivery, actionOf(name, delivery as Delivery)).catch(onError);
        return;
      }
      void answer(name, delivery as Delivery, (token) => work(token, delivery as Delivery));
    });
  onOutcome('accepted', (token) => queue.complete(token));
  onOutcome('released', (token) => queue.release(token));
  onOutcome('modified', (token, delivery) => {
    const { undeliverable_here, message_annotations } = delivery.remote_state as unknown as Modified;
    const changes = changesOf(message_annotations);
    return undeliverable_here === true ? queue.defer(token, changes) : queue.abandon(token, changes);
  });
  onOutcome('rejected', (token, delivery) => {
    const { error } = delivery.remote_state as unknown as Rejected;
    return queue.deadLetter(token, deadLetterReason(error?.info, error?.description));
  });

  sender.on('sender_flow', () => queue.demandChanged());
  sender.on('sender_draining', () => {
    void queue.quiet().then(() => drained(sender));
  });

  let leave: (() => void) | undefined = queue.attach(consumer);
  return {
    resume: () => queue.demandChanged(),
    detach() {
      leave?.();
      leave = undefined;
    },
  };
}

/** What an outcome asks for. */
function actionOf(name: Outcome, delivery: Delivery): SettleAction {
  if (name === 'accepted') return { kind: 'complete' };
  if (name === 'released') return { kind: 'release' };
  if (name === 'modified') {
    const { undeliverable_here, message_annotations } = delivery.remote_state as unknown as Modified;
    return { kind: undeliverable_here === true ? 'defer' : 'abandon', changes: changesOf(message_annotations) };
  }
  const { error } = delivery.remote_state as unknown as Rejected;
  return { kind: 'dead-letter', why: deadLetterReason(error?.info, error?.description) };
}

/** The outcome that the client asked for, to be confirmed. */
const stateOf = (delivery: Delivery): unknown =>
  (delivery.remote_state as unknown as { described(): unknown }).described();
