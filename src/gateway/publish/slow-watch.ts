import type { CancelTimer, Clock } from '../../shared/clock.js';

interface InFlight {
  /** When it was sent. */
  readonly sinceMs: number;
}

export interface SlowWatchDeps<Item extends InFlight> {
  readonly clock: Clock;
  /** What is out for longer is taken for stuck. */
  readonly patienceMs: () => number;
  /** The oldest item that is to be looked after; undefined when there is none. */
  readonly oldest: () => Item | undefined;
  readonly onSlow: () => void;
}

/** Looks after the oldest item in flight, and tells when its broker is slow. */
export function createSlowWatch<Item extends InFlight>({ clock, patienceMs, oldest, onSlow }: SlowWatchDeps<Item>) {
  let cancel: CancelTimer | undefined;

  /**
   * @param watchedMs how long `watched` has been looked after: a clock that is set back would say for hours that it has only
   * just been sent
   */
  function look(watched?: Item, watchedMs = 0): void {
    cancel = undefined;
    const item = oldest();
    if (item === undefined) return;
    const soFarMs = item === watched ? watchedMs : 0;
    const mostMs = patienceMs();
    const leftMs = Math.min(mostMs, mostMs - Math.max(soFarMs, clock.now() - item.sinceMs));
    if (leftMs <= 0) onSlow();
    else cancel = clock.setTimer(() => look(item, soFarMs + leftMs), leftMs);
  }

  return {
    /** Something was sent. */
    wake(): void {
      if (cancel === undefined) look();
    },
    stop: (): void => cancel?.(),
  };
}
