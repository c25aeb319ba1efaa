import type { IncomingMessage } from '../message/index.js';
import type { Store } from '../store/types.js';
import { commitStaged, type Inlet, type Verdicts } from './inlet.js';

/** Takes what is sent to a queue or a topic; resolves when it is durable. */
export type Intake = (messages: readonly IncomingMessage[]) => Promise<void>;

/**
 * What is sent to a queue or topic: put, committed, and only then delivered. Sends are taken in the order of their
 * calls, also while an id has to be looked up in the store.
 */
export function createIntake(store: Store, inlet: Inlet): Intake {
  /** The look-up that later sends have to wait for, so that order holds. */
  let lookingUp: Promise<unknown> | undefined;

  // Also without writes: a duplicate is accepted only once the message that it repeats is durable.
  const put = (messages: readonly IncomingMessage[], verdicts?: Verdicts): Promise<void> =>
    commitStaged(store, inlet.stage(messages, verdicts));

  /** Looks unknown ids up, then puts. `durable` is a promise inside, so that order waits for the put and not for the disk. */
  async function lookUpAndPut(messages: readonly IncomingMessage[], before: Promise<unknown> | undefined) {
    await before;
    const verdicts = inlet.knows(messages) ? undefined : await inlet.lookUp(messages);
    return { durable: put(messages, verdicts) };
  }

  return (messages) => {
    if (lookingUp === undefined && inlet.knows(messages)) return put(messages);
    const taken = lookUpAndPut(messages, lookingUp);
    const turn: Promise<unknown> = taken.catch(() => {});
    lookingUp = turn;
    void turn.then(() => {
      if (lookingUp === turn) lookingUp = undefined;
    });
    return taken.then(({ durable }) => durable);
  };
}
