import type { Clock } from '../../../shared/clock.js';

/** How a wait for any session ended. */
export type NextOutcome<S> = { readonly kind: 'accepted'; readonly session: S } | { readonly kind: 'timeout' };

export interface Waiting<S> {
  readonly outcome: Promise<NextOutcome<S>>;
  /** The receiver has gone: nobody takes the session any more. */
  cancel(): void;
}

export interface AcceptorDeps<S> {
  readonly clock: Clock;
  /** The next session that has messages and no holder, reserved; undefined when there is none. */
  readonly reserve: () => Promise<S | undefined>;
  /** The reserved session is wanted by nobody after all. */
  readonly giveUp: (session: S) => void;
  readonly onError: (error: unknown) => void;
}

const SHORTEST_WAIT_MS = 50;

interface Waiter<S> {
  finish(outcome: NextOutcome<S>): void;
}

/** Gives sessions to the receivers that take any: first come, first served, as sessions become free. */
export function createAcceptor<S>({ clock, reserve, giveUp, onError }: AcceptorDeps<S>) {
  const waiters = new Set<Waiter<S>>();
  let running = false;
  let again = false;
  let stopped = false;

  async function serve(): Promise<void> {
    do {
      again = false;
      while (waiters.size > 0) {
        const session = await reserve();
        if (session === undefined) break;
        const [first] = waiters;
        if (first === undefined) giveUp(session);
        else first.finish({ kind: 'accepted', session });
      }
    } while (again && waiters.size > 0);
  }

  /** There may be a session for someone who waits. */
  function wake(): void {
    again = true;
    if (running || waiters.size === 0) return;
    running = true;
    serve()
      .catch((error: unknown) => {
        // The store may be closed by then.
        if (!stopped) onError(error);
      })
      .finally(() => {
        running = false;
        // What came between the last look and this moment.
        if (again) wake();
      });
  }

  return {
    wake,

    wait(timeoutMs: number): Waiting<S> {
      let cancel = () => {};
      const outcome = new Promise<NextOutcome<S>>((resolve) => {
        const finish = (result: NextOutcome<S>) => {
          cancelTimer();
          waiters.delete(waiter);
          resolve(result);
        };
        const waiter: Waiter<S> = { finish };
        // A wait of no time at all still gets what is there.
        const cancelTimer = clock.setTimer(() => finish({ kind: 'timeout' }), Math.max(timeoutMs, SHORTEST_WAIT_MS));
        cancel = () => finish({ kind: 'timeout' });
        waiters.add(waiter);
      });
      wake();
      return { outcome, cancel: () => cancel() };
    },

    stop(): void {
      stopped = true;
      for (const { finish } of waiters) finish({ kind: 'timeout' });
    },
  };
}
