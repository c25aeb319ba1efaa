import {
  deadLetterFromStored,
  type IncomingMessage,
  incomingFromStored,
  reread,
  rewriteBare,
} from '../message/index.js';
import type { Store, Write } from '../store/types.js';
import { type Budget, commitStaged, type Inlet, newBudget, type Verdicts } from './inlet.js';
import type { QueueRuntime } from './queue-runtime.js';
import type { Staged } from './staged.js';
import { lifeIn } from './time-to-live.js';

/** Most entities that a message is forwarded to, one after the other. */
const MAX_HOPS = 4;

export interface TransferFault {
  readonly reason: string;
  readonly description: string;
}

/** A queue or topic as those see it that forward to it. */
export interface Destination {
  readonly inlet: Inlet;
  /** Why it does not take a message. */
  refusal(message: IncomingMessage): TransferFault | undefined;
}

/** Undefined when there is no such queue or topic. */
export type FindDestination = (path: string) => Destination | undefined;

interface ForwardingSettings {
  readonly forwardTo?: string;
  readonly forwardDeadLetteredMessagesTo?: string;
  readonly defaultMessageTimeToLiveMs: number;
}

export interface ForwardingOptions {
  /** Of the queue or subscription that forwards. */
  readonly path: string;
  readonly queue: QueueRuntime;
  readonly settings: () => ForwardingSettings;
}

/** The forwarding of one queue or subscription to other entities, and of its dead letters. */
export interface Forwarding {
  /** Puts a message into the queue, or at once where that forwards it to. */
  put(message: IncomingMessage, budget: Budget): Staged[];
  /** Forwards what waits, as the settings are now; to be called when they change and once all entities are open. */
  apply(): void;
  stop(): void;
}

const tooManyHops: TransferFault = {
  reason: 'MaxTransferHopCountExceeded',
  description: 'Maximum transfer hop count is exceeded.',
};
const notFound = (path: string): TransferFault => ({
  reason: 'MessagingEntityNotFound',
  description: `The messaging entity '${path}' could not be found.`,
});

export function createForwarding(
  deps: { readonly store: Store; readonly findDestination: FindDestination },
  options: ForwardingOptions,
): Forwarding {
  const { store, findDestination } = deps;
  const { path, queue, settings } = options;
  const deadLetters = queue.deadLetters as QueueRuntime;
  const undeliverable = queue.transferDeadLetters as QueueRuntime;
  const drains: Drain[] = [
    { from: queue, target: () => settings().forwardTo },
    { from: deadLetters, target: () => settings().forwardDeadLetteredMessagesTo },
  ];

  function here(message: IncomingMessage, budget: Budget): Staged[] {
    budget.bytes -= message.bare.length;
    return [queue.stage(message)];
  }

  const hopOf = (message: IncomingMessage): IncomingMessage => ({ ...message, hops: message.hops + 1 });

  function faultOf(message: IncomingMessage, to: string, destination: Destination | undefined) {
    if (message.hops >= MAX_HOPS) return tooManyHops;
    return destination === undefined ? notFound(to) : destination.refusal(message);
  }

  function giveUp(message: IncomingMessage, { reason, description }: TransferFault): Staged {
    const applicationProperties = new Map([
      ['DeadLetterReason', reason],
      ['DeadLetterErrorDescription', description],
    ]);
    return undeliverable.stage({ ...message, bare: rewriteBare(message.bare, { applicationProperties }) });
  }

  function put(message: IncomingMessage, budget: Budget): Staged[] {
    const to = settings().forwardTo;
    // What waits here goes first, and what cannot be decided at once waits.
    if (to === undefined || budget.bytes <= 0 || queue.facts().count > 0) return here(message, budget);
    const destination = findDestination(to);
    // It is this entity's message first, and lives no longer than its own do.
    const read = message.rewritten ? reread(message) : message;
    const actual = { ...read, ttlMs: lifeIn(read.ttlMs, settings().defaultMessageTimeToLiveMs) };
    const fault = faultOf(actual, to, destination);
    if (fault === undefined && !destination?.inlet.knows([actual])) return here(message, budget);
    const enqueuedSequence = message.enqueuedSequence ?? queue.skipSequence();
    const forwarded = { ...actual, enqueuedSequence };
    if (fault !== undefined || destination === undefined) return [giveUp(forwarded, fault ?? notFound(to))];
    return destination.inlet.stage([hopOf(forwarded)], undefined, budget);
  }

  /** Moves messages from a queue of this entity to where they are forwarded to. */
  async function transfer(to: string, messages: readonly Forwardable[]): Promise<void> {
    const before = findDestination(to);
    const verdicts = before && (await before.inlet.lookUp(messages.map(({ message }) => message)));
    let next = 0;
    while (next < messages.length) {
      const budget = newBudget();
      const staged: Staged[] = [];
      const removals: Write[] = [];
      for (; next < messages.length && budget.bytes > 0; next++) {
        const { message, remove } = messages[next] as Forwardable;
        removals.push(...remove());
        staged.push(...moved(message, { to, verdicts, budget }));
      }
      await commitStaged(store, staged, removals);
    }
  }

  function moved(message: IncomingMessage, { to, verdicts, budget }: Move): Staged[] {
    // Found anew: it may have been deleted while ids were looked up.
    const destination = findDestination(to);
    const fault = faultOf(message, to, destination);
    if (fault !== undefined || destination === undefined) return [giveUp(message, fault ?? notFound(to))];
    return destination.inlet.stage([hopOf(message)], verdicts, budget);
  }

  function start(from: QueueRuntime, to: string): Running {
    const read = (record: Buffer) =>
      from === deadLetters ? deadLetterFromStored(record, path) : incomingFromStored(record);
    const detach = from.attach({
      mode: 'transfer',
      wants: () => true,
      transfer: (messages) =>
        transfer(
          to,
          messages.map(({ record, remove }) => ({ message: read(record), remove })),
        ),
    });
    return { to, detach };
  }

  return {
    put,
    apply() {
      for (const drain of drains) {
        const to = drain.target();
        if (drain.running?.to === to) continue;
        drain.running?.detach();
        drain.running = to === undefined ? undefined : start(drain.from, to);
      }
    },
    stop() {
      for (const drain of drains) drain.running?.detach();
    },
  };
}

interface Drain {
  readonly from: QueueRuntime;
  readonly target: () => string | undefined;
  running?: Running | undefined;
}

interface Running {
  readonly to: string;
  detach(): void;
}

interface Forwardable {
  readonly message: IncomingMessage;
  remove(): Write[];
}

interface Move {
  readonly to: string;
  readonly verdicts: Verdicts | undefined;
  readonly budget: Budget;
}
