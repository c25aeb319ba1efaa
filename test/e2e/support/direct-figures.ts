import type { DeviceType } from '../../../src/events/index.js';

/**
 * The metrics of the live figures, worked out from all events at once: sets and sorted lists, with no panes, partitions
 * or watermarks.
 */
export interface DirectEvent {
  readonly atMs: number;
  readonly visitor: string;
  readonly type: string;
  readonly path: string;
  readonly device: DeviceType;
  readonly item: string;
  /** Empty where there is none. */
  readonly category: string;
  /** Of a purchase. */
  readonly value: number;
}

const MINUTE_MS = 60_000;
const HALF_HOUR_MS = 30 * MINUTE_MS;
const OUTFIT_MS = 30 * MINUTE_MS;

type Counts = Readonly<Record<string, number>>;

/** Counts of names, by the start of panes of `paneMs`. */
export function countBy<T>(
  items: readonly T[],
  paneMs: number,
  {
    atMs,
    names,
    by = () => 1,
  }: { atMs: (item: T) => number; names: (item: T) => readonly string[]; by?: (item: T) => number },
): Map<number, Counts> {
  const panes = new Map<number, Record<string, number>>();
  for (const item of items) {
    const start = Math.floor(atMs(item) / paneMs) * paneMs;
    for (const name of names(item)) {
      const pane = panes.get(start) ?? {};
      panes.set(start, pane);
      pane[name] = (pane[name] ?? 0) + by(item);
    }
  }
  return panes;
}

export const perMinute = (events: readonly DirectEvent[], name: (event: DirectEvent) => string | undefined) =>
  countBy(events, MINUTE_MS, { atMs: ({ atMs }) => atMs, names: (event) => listOf(name(event)) });

const listOf = (name: string | undefined): string[] => (name === undefined || name === '' ? [] : [name]);

/** Distinct visitors in each minute. */
export function visitorsByMinute(events: readonly DirectEvent[]): Map<number, number> {
  const seen = new Map<number, Set<string>>();
  for (const { atMs, visitor } of events) {
    const start = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
    seen.set(start, (seen.get(start) ?? new Set()).add(visitor));
  }
  return new Map([...seen].map(([start, visitors]) => [start, visitors.size]));
}

interface DirectSession {
  readonly startMs: number;
  lastMs: number;
  readonly types: Set<string>;
}

/** The sessions of all visitors: 30 minutes of inactivity end one. */
export function sessionsOf(events: readonly DirectEvent[]): DirectSession[] {
  const sessions: DirectSession[] = [];
  const current = new Map<string, DirectSession>();
  for (const { atMs, visitor, type } of [...events].sort((a, b) => a.atMs - b.atMs)) {
    const open = current.get(visitor);
    const session =
      open !== undefined && atMs - open.lastMs <= HALF_HOUR_MS
        ? open
        : { startMs: atMs, lastMs: atMs, types: new Set<string>() };
    if (session !== open) sessions.push(session);
    current.set(visitor, session);
    session.lastMs = atMs;
    session.types.add(type);
  }
  return sessions;
}

export const perHalfHour = (sessions: readonly DirectSession[], names: (session: DirectSession) => readonly string[]) =>
  countBy(sessions, HALF_HOUR_MS, { atMs: ({ startMs }) => startMs, names });

/** How many seconds the sessions of each half hour lasted, the shortest first. */
export function durationsByHalfHour(sessions: readonly DirectSession[]): Map<number, number[]> {
  const durations = new Map<number, number[]>();
  for (const { startMs, lastMs } of sessions) {
    const start = Math.floor(startMs / HALF_HOUR_MS) * HALF_HOUR_MS;
    durations.set(start, [...(durations.get(start) ?? []), (lastMs - startMs) / 1_000]);
  }
  for (const ofHalfHour of durations.values()) ofHalfHour.sort((a, b) => a - b);
  return durations;
}

/** Distinct visitors of the last `minutes` that end with the newest event, in all or those of one device. */
export function distinctOfLast(events: readonly DirectEvent[], minutes: number, device?: string): number {
  const fromMs = firstOfLast(events, minutes);
  const seen = events.filter((event) => event.atMs >= fromMs && (device === undefined || event.device === device));
  return new Set(seen.map(({ visitor }) => visitor)).size;
}

/** Start of the oldest of the last `minutes` panes. */
export function firstOfLast(events: readonly DirectEvent[], minutes: number): number {
  const newestMs = events.reduce((newest, { atMs }) => Math.max(newest, atMs), 0);
  return (Math.floor(newestMs / MINUTE_MS) - minutes + 1) * MINUTE_MS;
}

/** The newest event of each of the most recent visitors, as times, newest first. */
export function newestTimes(events: readonly DirectEvent[], count: number): string[] {
  const newest = new Map<string, number>();
  for (const { visitor, atMs } of events) newest.set(visitor, Math.max(newest.get(visitor) ?? 0, atMs));
  return isoTimes([...newest.values()], count);
}

export const isoTimes = (timesMs: readonly number[], count: number): string[] =>
  [...timesMs]
    .sort((a, b) => b - a)
    .slice(0, count)
    .map((atMs) => new Date(atMs).toISOString());

/** The steps of visitors in the behaviour that ships: a garment, then shoes, then another garment, within 30 minutes. */
export function outfitSteps(events: readonly DirectEvent[]): string[] {
  const steps: { readonly atMs: number; readonly text: string }[] = [];
  const runs = new Map<string, DirectEvent[]>();
  for (const event of events) {
    if (event.type !== 'view_item') continue;
    const before = runs.get(event.visitor) ?? [];
    const within = before.length > 0 && event.atMs - (before[0] as DirectEvent).atMs < OUTFIT_MS ? before : [];
    if (within.at(-1)?.item === event.item) continue;
    const shoes = event.category.startsWith('apparel.shoes') || event.category.startsWith('shoes');
    const garment = !shoes && (event.category.startsWith('apparel') || event.category.startsWith('clothing'));
    const take = (from: string, to: string, run: DirectEvent[]) => {
      steps.push({ atMs: event.atMs, text: `${new Date(event.atMs).toISOString()} ${event.visitor} ${from} ${to}` });
      runs.set(event.visitor, run);
    };
    if (within.length === 1 && shoes) take('clothes', 'shoes', [...within, event]);
    else if (within.length === 2 && garment && event.item !== within[0]?.item) take('shoes', 'browsing', []);
    else if (garment) take('browsing', 'clothes', [event]);
    else runs.delete(event.visitor);
  }
  return steps.sort((a, b) => b.atMs - a.atMs).map(({ text }) => text);
}
