import type { Clock } from '../../shared/clock.js';
import type { DuplicateHistory } from '../entities/index.js';
import type { IncomingMessage } from '../message/index.js';
import type { Store, Write } from '../store/types.js';
import { publishAll, type Staged } from './staged.js';

/** What one message may still multiply to within one commit; what is beyond waits in the queue that forwards it. */
export interface Budget {
  bytes: number;
}

const BUDGET_BYTES = 4 * 1024 * 1024;
export const newBudget = (): Budget => ({ bytes: BUDGET_BYTES });

/** What the store says of message ids that memory does not know. */
export type Verdicts = ReadonlyMap<string, 'new' | 'duplicate'>;
const NO_VERDICTS: Verdicts = new Map();
const NO_IDS: readonly string[] = [];
const NO_WRITES: readonly Write[] = [];

/**
 * The way into a queue or topic for whoever makes the commit: a send, a forwarding queue, a transaction. Duplicates are
 * dropped and the rest is put into every queue that gets it.
 */
export interface Inlet {
  /** Whether it can be decided without the store which of these messages are duplicates. */
  knows(messages: readonly IncomingMessage[]): boolean;
  /** Asks the store; what it says holds until an id is recorded, and from then on memory knows better. */
  lookUp(messages: readonly IncomingMessage[]): Promise<Verdicts>;
  /** Puts the messages; the writes are to be committed in the same step, and `publishAll` called after it. */
  stage(messages: readonly IncomingMessage[], verdicts?: Verdicts, budget?: Budget): Staged[];
}

export interface InletOptions {
  /** Undefined where duplicates are not looked for. */
  readonly history: () => DuplicateHistory | undefined;
  /** Puts a message into every queue that gets it. */
  readonly fanOut: (message: IncomingMessage, budget: Budget) => readonly Staged[];
}

const nothing = () => {};
const unpublished = (write: Write): Staged => ({ write, publish: nothing });

export function createInlet(deps: { store: Store; clock: Clock }, options: InletOptions): Inlet {
  const { store, clock } = deps;

  function unknownIds(messages: readonly IncomingMessage[]): readonly string[] {
    const history = options.history();
    if (history === undefined) return NO_IDS;
    const nowMs = clock.now();
    if (messages.length === 1) {
      const id = messages[0]?.messageId;
      return id !== undefined && history.check(id, nowMs) === 'unknown' ? [id] : NO_IDS;
    }
    const ids = new Set<string>();
    for (const { messageId } of messages) {
      if (messageId !== undefined && history.check(messageId, nowMs) === 'unknown') ids.add(messageId);
    }
    return [...ids];
  }

  /** The messages that are not duplicates, and the writes that remember their ids. */
  function withoutDuplicates(messages: readonly IncomingMessage[], verdicts: Verdicts) {
    const history = options.history();
    if (history === undefined) return { fresh: messages, writes: NO_WRITES };
    const nowMs = clock.now();
    const isNew = (messageId: string) => {
      const seen = history.check(messageId, nowMs);
      // An id that memory has lost since the look-up counts as new: twice is better than never.
      return (seen === 'unknown' ? (verdicts.get(messageId) ?? 'new') : seen) === 'new';
    };
    if (messages.length === 1) {
      const id = messages[0]?.messageId;
      if (id !== undefined && !isNew(id)) return { fresh: [], writes: NO_WRITES };
      return { fresh: messages, writes: id === undefined ? NO_WRITES : history.record([id], nowMs) };
    }
    const newIds = new Set<string>();
    const fresh = messages.filter(({ messageId }) => {
      if (messageId === undefined) return true;
      if (newIds.has(messageId) || !isNew(messageId)) return false;
      newIds.add(messageId);
      return true;
    });
    return { fresh, writes: history.record([...newIds], nowMs) };
  }

  return {
    knows: (messages) => unknownIds(messages).length === 0,

    async lookUp(messages) {
      const history = options.history();
      const ids = unknownIds(messages);
      if (history === undefined || ids.length === 0) return NO_VERDICTS;
      const stored = await store.getMany(ids.map(history.key));
      return new Map(ids.map((messageId, index) => [messageId, history.judge(stored[index], clock.now())]));
    },

    stage(messages, verdicts = NO_VERDICTS, budget) {
      // Ids are recorded first: a message may come back here in a circle of forwarding queues.
      const { fresh, writes } = withoutDuplicates(messages, verdicts);
      const staged = writes.map(unpublished);
      for (const message of fresh) {
        for (const one of options.fanOut(message, budget ?? newBudget())) staged.push(one);
      }
      return staged;
    },
  };
}

/** Commits what was staged together with `also`; then lets it be delivered. */
export async function commitStaged(store: Store, staged: readonly Staged[], also: readonly Write[] = []) {
  const writes = [...also];
  for (const { write } of staged) writes.push(write);
  await store.commit(writes);
  publishAll(staged);
}
