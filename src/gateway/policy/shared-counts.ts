import type { CancelTimer, Clock } from '../../shared/clock.js';

/** What was counted: under which name, of what, and how many. */
export type Counted = readonly [name: string, key: string, count: number];

/** The way to the other processes of the gateway. */
export interface OtherCounters {
  tellOthers(counts: readonly Counted[]): void;
  onTold(listener: (counts: readonly Counted[]) => void): void;
}

/** Called with what the other processes have counted. */
type OnCounted = (key: string, count: number, nowMs: number) => void;
/** Counts what has happened here. */
type Count = (key: string, count: number) => void;

/**
 * What several processes of a gateway count as one: each applies the whole limit to what it knows, and learns within a
 * moment what the others have let pass. So a limit holds over all of them but for what comes at several within that moment,
 * and a client is not worse off for having all its connections to one.
 */
export interface SharedCounts {
  open(name: string, onOthers: OnCounted): Count;
}

const TELL_MS = 100;
/** Different things counted within that time; what is beyond is told at once. */
const MAX_GATHERED = 1000;

export function createSharedCounts(clock: Clock, peers: OtherCounters): SharedCounts {
  const listeners = new Map<string, OnCounted>();
  let gathered = new Map<string, Map<string, number>>();
  let size = 0;
  let cancel: CancelTimer | undefined;

  const tell = () => {
    cancel?.();
    cancel = undefined;
    const counts = [...gathered].flatMap(([name, keys]) =>
      [...keys].map(([key, count]): Counted => [name, key, count]),
    );
    gathered = new Map();
    size = 0;
    peers.tellOthers(counts);
  };
  peers.onTold((counts) => {
    const nowMs = clock.now();
    for (const [name, key, count] of counts) listeners.get(name)?.(key, count, nowMs);
  });

  return {
    open(name, onOthers) {
      listeners.set(name, onOthers);
      return (key, count) => {
        const keys = gathered.get(name) ?? new Map<string, number>();
        gathered.set(name, keys);
        const before = keys.get(key);
        if (before === undefined) size++;
        keys.set(key, (before ?? 0) + count);
        if (size >= MAX_GATHERED) tell();
        else cancel ??= clock.setTimer(tell, TELL_MS);
      };
    },
  };
}
