import type { RejectedEntry } from './entry.js';

/**
 * What became of every line that was read: `lines` is always the sum of all the others. Dropped and rejected are told
 * by reason; the gateway's own reasons begin with `gateway_`. `unsent` are events without an answer, because the import
 * ended before.
 */
export interface Tally {
  readonly lines: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
  readonly unsent: number;
}

/** One rejected line, for people to look up. */
export type Rejection = Omit<RejectedEntry, 'kind'>;

export type Settled =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'unsent' }
  | { readonly kind: 'dropped'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string; readonly field?: string };

const MAX_KEPT_REJECTIONS = 100;
const MAX_REASONS = 200;

export interface TallyKeeper {
  /** Counts one line with what became of it. */
  count(line: number, settled: Settled): void;
  readonly current: Tally;
  /** The first rejected lines, up to 100. */
  readonly rejections: readonly Rejection[];
}

export function createTally(): TallyKeeper {
  let lines = 0;
  const plain = { accepted: 0, duplicate: 0, unsent: 0 };
  const dropped = new Map<string, number>();
  const rejected = new Map<string, number>();
  const rejections: Rejection[] = [];
  const add = (counts: Map<string, number>, reason: string) => {
    const key = counts.has(reason) || counts.size < MAX_REASONS ? reason : 'other';
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  return {
    count(line, settled) {
      lines += 1;
      if (settled.kind === 'dropped') add(dropped, settled.reason);
      else if (settled.kind === 'rejected') {
        const { reason, field } = settled;
        add(rejected, field === undefined ? reason : `${reason} ${field}`);
        if (rejections.length < MAX_KEPT_REJECTIONS)
          rejections.push({ line, reason, ...(field !== undefined && { field }) });
      } else plain[settled.kind] += 1;
    },
    get current() {
      return { lines, ...plain, dropped: sorted(dropped), rejected: sorted(rejected) };
    },
    rejections,
  };
}

const sorted = (counts: ReadonlyMap<string, number>) =>
  Object.fromEntries([...counts].sort(([a, countA], [b, countB]) => countB - countA || a.localeCompare(b)));

export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
