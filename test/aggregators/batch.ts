import fc from 'fast-check';
import { defaultAggregatorOptions } from '../../src/aggregators/options.js';
import { pageView, type TestEvent } from './driver.js';

export const MINUTE = 60_000;
const HALF_HOUR = 30 * MINUTE;
const LATENESS = 20 * MINUTE;
const GAP = 7 * MINUTE;
/** Ids are remembered for longer than the test lasts: forgetting them is the subject of another test. */
export const batchOptions = {
  ...defaultAggregatorOptions,
  allowedLatenessMs: LATENESS,
  sessions: { gapMs: GAP, maxKeys: 1_000 },
  dedup: { rotateAfterMs: 600 * MINUTE, maxIdsPerGeneration: 10_000 },
};

export type BatchEvent = TestEvent & ReturnType<typeof pageView>;

export const eventArbitrary: fc.Arbitrary<BatchEvent> = fc
  .record({
    atMs: fc.integer({ min: 0, max: 90 * MINUTE }),
    id: fc.integer({ min: 0, max: 60 }),
    visitor: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    path: fc.constantFrom('/', '/x', '/y'),
    device: fc.constantFrom('desktop', 'mobile'),
  })
  .map(({ atMs, id, ...fields }) => pageView(atMs, { id: `id${id}`, ...fields }));

/** The figures of one partition, computed in one go from everything that was sent to it. */
export function batchFigures(events: readonly BatchEvent[]): Map<string, number> {
  const figures = new Map<string, number>();
  const count = (key: string, by = 1) => figures.set(key, (figures.get(key) ?? 0) + by);
  const seen = new Set<string>();
  let newestMs = Number.NEGATIVE_INFINITY;
  const accepted: { event: BatchEvent; timeMs: number; horizonMs: number }[] = [];
  for (const event of events) {
    if (seen.has(event.id)) {
      count('totals/0/duplicate');
      continue;
    }
    seen.add(event.id);
    const timeMs = Date.parse(event.time);
    newestMs = Math.max(newestMs, timeMs);
    if (timeMs < newestMs - LATENESS) {
      count('totals/0/late');
      count('totals/0/late_by:2h');
      for (const metric of ['visitors', 'devices', 'pages', 'sessions', 'views']) count(`totals/0/late:${metric}`);
      continue;
    }
    count('totals/0/counted');
    const horizonMs = Math.floor((newestMs - LATENESS) / MINUTE) * MINUTE;
    accepted.push({ event, timeMs, horizonMs });
  }
  const visits = new Set<string>();
  for (const { event, timeMs } of accepted) {
    const pane = Math.floor(timeMs / MINUTE) * MINUTE;
    count(`visitors/${pane}/pageViews`);
    count(`views/${pane}/all`);
    count(`pages/${pane}/${event.data.page.path}`);
    const visit = `${pane}/${event.data.anonymousId}`;
    if (!visits.has(visit)) count(`visitors/${pane}/visitors`);
    visits.add(visit);
  }
  countNewest(
    accepted,
    ({ data }) => data.anonymousId,
    () => 'visitors',
    () => 'newest',
    count,
  );
  countNewest(
    accepted,
    ({ data }) => `${data.anonymousId}/${data.context.device}`,
    () => 'devices',
    ({ data }) => data.context.device,
    count,
  );
  for (const startMs of sessionStarts(accepted))
    count(`sessions/${Math.floor(startMs / HALF_HOUR) * HALF_HOUR}/sessions`);
  return new Map([...figures].filter(([, value]) => value !== 0));
}

/** Starts of the sessions of all visitors, from all their events at once. */
function sessionStarts(accepted: readonly { event: BatchEvent; timeMs: number }[]): number[] {
  const starts: number[] = [];
  const lastMs = new Map<string, number>();
  for (const { event, timeMs } of [...accepted].sort((a, b) => a.timeMs - b.timeMs)) {
    const visitor = event.data.anonymousId;
    if (timeMs - (lastMs.get(visitor) ?? Number.NEGATIVE_INFINITY) > GAP) starts.push(timeMs);
    lastMs.set(visitor, timeMs);
  }
  return starts;
}

/** A key counts in its newest pane, unless that was past the horizon already when the key came again. */
function countNewest(
  accepted: readonly { event: BatchEvent; timeMs: number; horizonMs: number }[],
  keyOf: (event: BatchEvent) => string,
  metricOf: (event: BatchEvent) => string,
  nameOf: (event: BatchEvent) => string,
  count: (key: string, by?: number) => void,
) {
  const newest = new Map<string, number>();
  for (const { event, timeMs, horizonMs } of accepted) {
    const pane = Math.floor(timeMs / MINUTE) * MINUTE;
    const before = newest.get(keyOf(event));
    if (before !== undefined && before >= horizonMs) {
      if (pane <= before) continue;
      count(`${metricOf(event)}/${before}/${nameOf(event)}`, -1);
    }
    newest.set(keyOf(event), pane);
    count(`${metricOf(event)}/${pane}/${nameOf(event)}`);
  }
}
