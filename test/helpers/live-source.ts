import type { LiveFigures, LiveSource } from '../../src/shared/live.js';

export interface MemoryLiveSource extends LiveSource {
  /** Changes the figures and tells whoever listens. */
  push(change: Partial<LiveFigures>): void;
  /** From now on readings fail, or are good again. */
  fail(failing: boolean): void;
  readonly reads: number;
  readonly listeners: number;
}

const NOW = Date.UTC(2026, 10, 21, 12, 0, 30);
const iso = (ms: number) => new Date(ms).toISOString();

/** Figures of a site that nobody has visited. */
export const noFigures: LiveFigures = {
  asOf: iso(NOW),
  visitors: {
    total: 0,
    series: Array.from({ length: 15 }, (_, index) => ({
      start: iso(Math.floor(NOW / 60_000) * 60_000 - (14 - index) * 60_000),
      visitors: 0,
      pageViews: 0,
    })),
  },
  sessions: {
    open: 0,
    series: Array.from({ length: 16 }, (_, index) => ({
      start: iso(Math.floor(NOW / 1_800_000) * 1_800_000 - (15 - index) * 1_800_000),
      sessions: 0,
    })),
  },
  devices: { total: 0, byType: {} },
  pages: [],
  categories: [],
  visitorsLatest: [],
  offers: [],
  events: [],
  metrics: {},
};

/** Live figures in memory: the port that the dashboard has to them, without what stands behind it. */
export function createMemoryLiveSource(initial: LiveFigures = noFigures): MemoryLiveSource {
  const listeners = new Set<() => void>();
  let figures = initial;
  let failing = false;
  let reads = 0;
  return {
    async read() {
      reads++;
      if (failing) throw new Error('the store is gone');
      return figures;
    },
    subscribe(onChange) {
      listeners.add(onChange);
      return () => void listeners.delete(onChange);
    },
    push(change) {
      figures = { ...figures, ...change };
      for (const listener of listeners) listener();
    },
    fail(next) {
      failing = next;
    },
    get reads() {
      return reads;
    },
    get listeners() {
      return listeners.size;
    },
  };
}
