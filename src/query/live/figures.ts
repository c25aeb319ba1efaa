import type { LatestEvent, LatestVisitor, LiveFigures } from '../../shared/live.js';
import { PANE_MS, paneMsOf, SESSION_GAP_MS, SESSIONS_NAME, visitorNames } from '../../shared/live-keys.js';

/** What the figures are made from: panes by start, added up over the partitions, and each partition's newest entries. */
export interface LiveData {
  readonly visitors: Panes;
  readonly sessions: Panes;
  readonly devices: Panes;
  readonly pages: Panes;
  readonly categories: Panes;
  readonly visitorsLatest: readonly ListEntry<LatestVisitor>[];
  readonly events: readonly ListEntry<LatestEvent>[];
}

type Panes = ReadonlyMap<number, { readonly values: ReadonlyMap<string, number> }>;

/** An entry of a list metric as the sink writes it. */
interface ListEntry<T> {
  readonly key: string;
  readonly timeMs: number;
  readonly entry: T;
}

/** How many panes each figure looks back over, the current one included. */
export const lookBack = { visitors: 15, sessions: 16, devices: 10, pages: 60, categories: 60 } as const;
/** Panes of `visitors` in which the newest event of an open session is. */
export const OPEN_PANES = SESSION_GAP_MS / PANE_MS;
/** Panes ahead of the clock that are looked at too: clocks of gateways and readers differ a little. */
export const AHEAD_PANES = 5;

const TOP = 10;
const NEWEST_VISITORS = 10;
const NEWEST_EVENTS = 100;

/** The live figures as of `nowMs`. Pure. */
export function figuresOf(data: LiveData, nowMs: number): LiveFigures {
  const currentMs = nowMs - (nowMs % PANE_MS);
  const starts = (count: number, paneMs = PANE_MS) => {
    const lastMs = nowMs - (nowMs % paneMs);
    return Array.from({ length: count }, (_, index) => lastMs - (count - 1 - index) * paneMs);
  };
  const startMs = (count: number) => currentMs - (count - 1) * PANE_MS;
  const seen = (count: number) => sumOf(data.visitors, visitorNames.newest, startMs(count));
  const byType = totalsOf(data.devices, startMs(lookBack.devices));
  return {
    asOf: new Date(nowMs).toISOString(),
    visitors: {
      total: seen(lookBack.visitors),
      series: starts(lookBack.visitors).map((paneMs) => ({
        start: new Date(paneMs).toISOString(),
        visitors: data.visitors.get(paneMs)?.values.get(visitorNames.distinct) ?? 0,
        pageViews: data.visitors.get(paneMs)?.values.get(visitorNames.pageViews) ?? 0,
      })),
    },
    sessions: {
      // A visitor has one open session at the most: the one of their newest event.
      open: seen(OPEN_PANES),
      series: starts(lookBack.sessions, paneMsOf('sessions')).map((paneMs) => ({
        start: new Date(paneMs).toISOString(),
        sessions: data.sessions.get(paneMs)?.values.get(SESSIONS_NAME) ?? 0,
      })),
    },
    devices: {
      total: seen(lookBack.devices),
      byType: Object.fromEntries([...byType].filter(([, count]) => count > 0)),
    },
    pages: topOf(totalsOf(data.pages, startMs(lookBack.pages)), TOP).map(([path, views]) => ({ path, views })),
    categories: topOf(totalsOf(data.categories, startMs(lookBack.categories)), Number.POSITIVE_INFINITY).map(
      ([category, views]) => ({ category, views }),
    ),
    visitorsLatest: newestOf(data.visitorsLatest, NEWEST_VISITORS),
    events: newestOf(data.events, NEWEST_EVENTS),
  };
}

function sumOf(panes: Panes, name: string, fromMs: number): number {
  let sum = 0;
  for (const [startMs, { values }] of panes) if (startMs >= fromMs) sum += values.get(name) ?? 0;
  return sum;
}

function totalsOf(panes: Panes, fromMs: number): Map<string, number> {
  const totals = new Map<string, number>();
  for (const [startMs, { values }] of panes) {
    if (startMs < fromMs) continue;
    for (const [name, value] of values) totals.set(name, (totals.get(name) ?? 0) + value);
  }
  return totals;
}

/** Largest first; equal ones by name, so that their order does not flicker. */
function topOf(totals: ReadonlyMap<string, number>, count: number): [string, number][] {
  return [...totals].sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1)).slice(0, count);
}

function newestOf<T>(entries: readonly ListEntry<T>[], count: number): T[] {
  return [...entries]
    .sort((a, b) => b.timeMs - a.timeMs)
    .slice(0, count)
    .map(({ entry }) => entry);
}
