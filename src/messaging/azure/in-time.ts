import { type Clock, systemClock } from '../../shared/clock.js';

export interface InTimeOptions {
  readonly clock: Clock;
  /** How long an answer may take, with the attempts that the SDK makes by itself. */
  readonly answerMs: number;
}

/** Rejects when there is no answer in time. What was asked is aborted then, and may be done all the same. */
export type InTime = <T>(ask: (abortSignal: AbortSignal) => Promise<T>) => Promise<T>;

export const defaultInTimeOptions: InTimeOptions = Object.freeze({ clock: systemClock, answerMs: 60_000 });

/**
 * The SDK of storage accounts waits for an answer for as long as the connection stands: for ever where the other side hangs,
 * and a quarter of an hour where the network lost it.
 */
export function createInTime({ clock, answerMs }: InTimeOptions): InTime {
  return (ask) =>
    new Promise((resolve, reject) => {
      const late = new AbortController();
      const cancel = clock.setTimer(() => {
        reject(new Error(`no answer within ${answerMs / 1_000} s`));
        late.abort();
      }, answerMs);
      ask(late.signal).then(resolve, reject).finally(cancel);
    });
}
