import { aggregateOf } from '../../shared/aggregates/index.js';
import type { LatestEvent, LatestOffer, LatestVisitor, LiveFigures, ShownMetric } from '../../shared/live.js';
import { PANE_MS, SESSION_GAP_MS, SESSIONS_NAME, visitorNames } from '../../shared/live-keys.js';
import { revised } from './revised.js';

/** What the figures are made from: panes by start, added up over the partitions, and each partition's newest entries. */
export interface LiveData {
  readonly visitors: Panes;
  readonly sessions: Panes;
  readonly visitorsBeyond: Panes;
  readonly devices: Panes;
  readonly pages: Panes;
  readonly categories: Panes;
  readonly visitorsLatest: readonly ListEntry<LatestVisitor>[];
  readonly offers: readonly ListEntry<LatestOffer>[];
  readonly events: readonly ListEntry<LatestEvent>[];
  readonly metrics: Readonly<Record<string, ShownMetric>>;
}

/** The metrics that have a place of their own in the figures; all of them count. */
export const ownMetrics = ['visitors', 'visitorsBeyond', 'sessions', 'devices', 'pages', 'categories'] as const;
export type OwnMetric = (typeof ownMetrics)[number];

type Panes = ReadonlyMap<number, { readonly values: ReadonlyMap<string, unknown>; readonly revision?: number }>;

/** An entry of a list metric as the sink writes it. */
interface ListEntry<T> {
  readonly key: string;
  readonly timeMs: number;
  readonly entry: T;
}

const SESSION_PANE_MS = 30 * 60_000;

/** How many panes each figure looks back over, the current one included. */
export const lookBack = {
  visitors: 15,
  visitorsBeyond: 30,
  sessions: 16,
  devices: 10,
  pages: 60,
  categories: 60,
} as const;
/** Panes of `visitors` in which the newest event of an open session is. */
export const OPEN_PANES = SESSION_GAP_MS / PANE_MS;

const distinct = aggregateOf('distinct');
const TOP = 10;
/** More than a shop has, and fewer than somebody can make up who would fill the page of every viewer. */
const TOP_CATEGORIES = 1_000;
const NEWEST_VISITORS = 10;
const NEWEST_OFFERS = 20;
const NEWEST_EVENTS = 100;

/** The live figures as of `nowMs`. Pure. */
export function figuresOf(data: LiveData, nowMs: number): LiveFigures {
  const currentMs = nowMs - (nowMs % PANE_MS);
  const starts = (count: number, paneMs = PANE_MS) => {
    const lastMs = nowMs - (nowMs % paneMs);
    return Array.from({ length: count }, (_, index) => lastMs - (count - 1 - index) * paneMs);
  };
  const startMs = (count: number) => currentMs - (count - 1) * PANE_MS;
  /** Visitors beyond those that are kept apart, who are in no other count. */
  const beyond = (fromMs: number, toMs = Number.POSITIVE_INFINITY) => {
    let state = distinct.create();
    for (const [paneMs, { values }] of data.visitorsBeyond) {
      if (paneMs < fromMs || paneMs > toMs) continue;
      for (const ofPane of values.values()) state = distinct.merge(state, ofPane);
    }
    return distinct.result(state) as number;
  };
  const seen = (count: number) => sumOf(data.visitors, visitorNames.newest, startMs(count)) + beyond(startMs(count));
  const byType = totalsOf(data.devices, startMs(lookBack.devices));
  return {
    asOf: new Date(nowMs).toISOString(),
    visitors: {
      total: seen(lookBack.visitors),
      series: starts(lookBack.visitors).map((paneMs) => ({
        start: new Date(paneMs).toISOString(),
        visitors: countOf(data.visitors, paneMs, visitorNames.distinct) + beyond(paneMs, paneMs),
        pageViews: countOf(data.visitors, paneMs, visitorNames.pageViews),
      })),
    },
    sessions: {
      // A visitor has one open session at the most: the one of their newest event.
      open: seen(OPEN_PANES),
      series: starts(lookBack.sessions, SESSION_PANE_MS).map((paneMs) => ({
        start: new Date(paneMs).toISOString(),
        sessions: countOf(data.sessions, paneMs, SESSIONS_NAME),
        ...revised(data.sessions.get(paneMs)?.revision ?? 0),
      })),
    },
    devices: {
      total: seen(lookBack.devices),
      byType: Object.fromEntries([...byType].filter(([, count]) => count > 0)),
    },
    pages: topOf(totalsOf(data.pages, startMs(lookBack.pages)), TOP).map(([path, views]) => ({ path, views })),
    categories: topOf(totalsOf(data.categories, startMs(lookBack.categories)), TOP_CATEGORIES).map(
      ([category, views]) => ({ category, views }),
    ),
    visitorsLatest: newestOf(data.visitorsLatest, NEWEST_VISITORS),
    offers: newestOf(data.offers, NEWEST_OFFERS),
    events: newestOf(data.events, NEWEST_EVENTS),
    metrics: data.metrics,
  };
}

/** The state of a count is a number. */
const countOf = (panes: Panes, startMs: number, name: string): number =>
  (panes.get(startMs)?.values.get(name) as number | undefined) ?? 0;

function sumOf(panes: Panes, name: string, fromMs: number): number {
  let sum = 0;
  for (const startMs of panes.keys()) if (startMs >= fromMs) sum += countOf(panes, startMs, name);
  return sum;
}

function totalsOf(panes: Panes, fromMs: number): Map<string, number> {
  const totals = new Map<string, number>();
  for (const [startMs, { values }] of panes) {
    if (startMs < fromMs) continue;
    for (const [name, value] of values) totals.set(name, (totals.get(name) ?? 0) + (value as number));
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
