import type { Clock } from '../../shared/clock.js';
import type { DuplicateHistory } from '../entities/index.js';
import type { IncomingMessage } from '../message/index.js';
import type { Store, Write } from '../store/types.js';
import type { Staged } from './queue-runtime.js';

export interface IntakeOptions {
  /** Undefined where duplicates are not looked for. */
  readonly history: () => DuplicateHistory | undefined;
  /** Puts a message into every queue that gets it. */
  readonly fanOut: (message: IncomingMessage) => readonly Staged[];
}

/** Takes what is sent to a queue or a topic; resolves when it is durable. */
export type Intake = (messages: readonly IncomingMessage[]) => Promise<void>;

/**
 * The way into a queue or topic: drops duplicates, puts the rest into the queues that get it, commits, and only then
 * lets it be delivered. Sends are taken in the order of their calls, also while an id has to be looked up in the store.
 */
export function createIntake(deps: { store: Store; clock: Clock }, options: IntakeOptions): Intake {
  const { store, clock } = deps;
  const { fanOut } = options;
  /** The look-up that later sends have to wait for, so that order holds. */
  let lookingUp: Promise<unknown> | undefined;

  type IsNew = (history: DuplicateHistory, messageId: string, nowMs: number) => boolean;

  function put(messages: readonly IncomingMessage[], isNew: IsNew): Promise<void> {
    const nowMs = clock.now();
    const history = options.history();
    const writes: Write[] = [];
    const staged: Staged[] = [];
    const newIds = new Set<string>();
    for (const message of messages) {
      const { messageId } = message;
      if (history !== undefined && messageId !== undefined) {
        if (newIds.has(messageId) || !isNew(history, messageId, nowMs)) continue;
        newIds.add(messageId);
      }
      for (const copy of fanOut(message)) staged.push(copy);
    }
    if (history !== undefined) writes.push(...history.record([...newIds], nowMs));
    for (const { write } of staged) writes.push(write);
    // Also without writes: a duplicate is accepted only once the message that it repeats is durable.
    return store.commit(writes).then(() => {
      for (const { publish } of staged) publish();
    });
  }

  const unknownIds = (messages: readonly IncomingMessage[], history: DuplicateHistory | undefined): string[] => {
    if (history === undefined) return [];
    const nowMs = clock.now();
    const ids = new Set<string>();
    for (const { messageId } of messages) {
      if (messageId !== undefined && history.check(messageId, nowMs) === 'unknown') ids.add(messageId);
    }
    return [...ids];
  };

  const knownToBeNew: IsNew = (history, messageId, nowMs) => history.check(messageId, nowMs) === 'new';

  /** Looks unknown ids up, then puts. `durable` is a promise inside, so that order waits for the put and not for the disk. */
  async function lookUpAndPut(messages: readonly IncomingMessage[], before: Promise<unknown> | undefined) {
    await before;
    const known = options.history();
    const ids = unknownIds(messages, known);
    if (known === undefined || ids.length === 0) return { durable: put(messages, knownToBeNew) };
    const stored = await store.getMany(ids.map((messageId) => known.key(messageId)));
    const judged = new Map(ids.map((messageId, index) => [messageId, known.judge(stored[index], clock.now())]));
    // What the look-up said holds until the id is recorded; from then on memory knows better.
    const isNew: IsNew = (history, messageId, nowMs) => {
      const seen = history.check(messageId, nowMs);
      return (seen === 'unknown' ? judged.get(messageId) : seen) === 'new';
    };
    return { durable: put(messages, isNew) };
  }

  return (messages) => {
    if (lookingUp === undefined && unknownIds(messages, options.history()).length === 0) {
      return put(messages, knownToBeNew);
    }
    const taken = lookUpAndPut(messages, lookingUp);
    const turn: Promise<unknown> = taken.catch(() => {});
    lookingUp = turn;
    void turn.then(() => {
      if (lookingUp === turn) lookingUp = undefined;
    });
    return taken.then(({ durable }) => durable);
  };
}
