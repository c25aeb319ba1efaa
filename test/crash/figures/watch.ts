import type { LiveFigures } from '../../../src/shared/live.js';

const POLL_MS = 150;

export interface Watch {
  stop(): Promise<{ readonly readings: number; readonly wentDown: readonly string[] }>;
}

type Late = Readonly<Record<string, number>> & { readonly newest: unknown };

/**
 * Looks at the figures again and again. None of the totals, page views by minute and sessions by half hour may go down,
 * but for sessions that late events made one, which the totals tell as revised. While the figures cannot be read there is
 * nothing to see.
 */
export function startWatch(admin: string): Watch {
  const highest = new Map<string, number>();
  const wentDown: string[] = [];
  let readings = 0;
  let stopped = false;

  const see = (what: string, value: number, mayLose = 0) => {
    const before = highest.get(what) ?? 0;
    if (value < before - mayLose) wentDown.push(`${what} went down from ${before} to ${value}`);
    highest.set(what, mayLose > 0 ? value : Math.max(before, value));
  };
  const read = async <T>(path: string): Promise<T | undefined> => {
    try {
      const response = await fetch(admin + path);
      return response.ok ? ((await response.json()) as T) : undefined;
    } catch {
      return undefined;
    }
  };
  const look = async () => {
    const live = await read<LiveFigures>('/api/live');
    // Read after the figures, so that what explains them is in it.
    const late = await read<Late>('/api/late');
    if (live === undefined || late === undefined) return;
    const { newest: _, ...totals } = late;
    readings++;
    const revised = totals['revised_sessions'] ?? 0;
    const newlyRevised = revised - (highest.get('revised_sessions') ?? 0);
    for (const { start, pageViews } of live.visitors.series) see(`page views of ${start}`, pageViews);
    for (const { start, sessions } of live.sessions.series) see(`sessions of ${start}`, sessions, newlyRevised);
    for (const [name, value] of Object.entries(totals)) see(name, value);
  };
  const looking = (async () => {
    while (!stopped) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await looking;
      return { readings, wentDown };
    },
  };
}
