import { type Clock, delay } from '../../shared/clock.js';
import { eventEnqueuedAtMs } from '../message/index.js';
import type { LogEvent, PartitionRuntime } from '../namespace/index.js';
import type { ClosedWindow, createCaptureWindow } from './window.js';

export interface WindowWatchDeps {
  readonly clock: Clock;
  readonly partition: Pick<PartitionRuntime, 'read' | 'subscribe'>;
  readonly window: ReturnType<typeof createCaptureWindow>;
  /** New events are looked at together, not one by one. */
  readonly gatherMs: number;
  /** The hub forgot events before they were captured. */
  readonly onLost: (count: number) => void;
  readonly signal: AbortSignal;
}

const READ_AT_ONCE = 1000;

/** Follows a partition, and finds out where its files end. */
export function createWindowWatch({ clock, partition, window, gatherMs, onLost, signal }: WindowWatchDeps) {
  let fresh = false;
  let nap = new AbortController();
  const unsubscribe = partition.subscribe(() => {
    fresh = true;
    nap.abort();
  });
  signal.addEventListener('abort', () => nap.abort());

  /** Waits until there may be new events, or until `timeMs`. */
  async function idle(timeMs: number): Promise<void> {
    nap = new AbortController();
    if (!fresh && !signal.aborted) await delay(clock, Math.max(0, timeMs - clock.now()), nap.signal);
    if (fresh) await delay(clock, gatherMs, signal);
  }

  function offer(events: readonly LogEvent[], from: number): ClosedWindow | undefined {
    const lost = (events[0]?.sequence ?? from) - from;
    if (lost > 0) onLost(lost);
    for (const { sequence, record } of events) {
      const closed = window.offer({ sequence, enqueuedAtMs: eventEnqueuedAtMs(record), bytes: record.length });
      if (closed) return closed;
    }
    return undefined;
  }

  return {
    /** The next window once it has ended; undefined when it is stopped before. */
    async next(): Promise<ClosedWindow | undefined> {
      while (!signal.aborted) {
        fresh = false;
        const from = window.nextSequence();
        const events = await partition.read(from, READ_AT_ONCE);
        const closed = events.length > 0 ? offer(events, from) : window.tick(clock.now());
        if (closed) return closed;
        if (events.length === 0) await idle(window.dueAtMs());
      }
      return undefined;
    },
    unsubscribe,
  };
}
