import type { LiveFigures } from '../../../src/shared/live.js';

const POLL_MS = 150;

export interface Watch {
  stop(): Promise<{ readonly readings: number; readonly wentDown: readonly string[] }>;
}

type Late = Readonly<Record<string, number>> & { readonly newest: unknown };

/**
 * Looks at the figures again and again. None of the totals and of the page views by minute may go down, and sessions by
 * half hour and steps of the funnel only together with a higher revision of their pane. While the figures cannot be read
 * there is nothing to see.
 */
export function startWatch(admin: string): Watch {
  const highest = new Map<string, number>();
  const revisable = new Map<string, { readonly value: number; readonly revision: number }>();
  const wentDown: string[] = [];
  let readings = 0;
  let stopped = false;

  const see = (what: string, value: number) => {
    const before = highest.get(what) ?? 0;
    if (value < before) wentDown.push(`${what} went down from ${before} to ${value}`);
    highest.set(what, Math.max(before, value));
  };
  const seeRevisable = (what: string, value: number, revision: number) => {
    const before = revisable.get(what) ?? { value: 0, revision: 0 };
    see(`revision of ${what}`, revision);
    if (value < before.value && revision <= before.revision)
      wentDown.push(`${what} went down from ${before.value} to ${value} without a revision`);
    revisable.set(what, { value, revision });
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
    const late = await read<Late>('/api/late');
    if (live === undefined || late === undefined) return;
    const { newest: _, ...totals } = late;
    readings++;
    for (const { start, pageViews } of live.visitors.series) see(`page views of ${start}`, pageViews);
    for (const { start, sessions, revision = 0 } of live.sessions.series)
      seeRevisable(`sessions of ${start}`, sessions, revision);
    for (const { start, values, revision = 0 } of live.metrics['funnel']?.series ?? []) {
      for (const [step, value] of Object.entries(values))
        seeRevisable(`${step} of the funnel of ${start}`, value as number, revision);
    }
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
