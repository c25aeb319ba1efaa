import fc from 'fast-check';
import { expect } from 'vitest';
import { sessionDuration } from '../../src/aggregators/metrics/session-duration.js';
import { sessions } from '../../src/aggregators/metrics/sessions.js';
import { defaultAggregatorOptions } from '../../src/aggregators/options.js';
import { createPartitionState, type StateParts } from '../../src/aggregators/state/partition.js';
import { aggregateOf } from '../../src/shared/aggregates/index.js';
import type { LateEvent } from '../../src/shared/late-events.js';
import { behaviours } from './behaviour/support.js';
import { descriptionOf, pageView, START_MS, type TestEvent } from './driver.js';

export const MINUTE = 60_000;
const quantiles = aggregateOf('quantiles');
const HALF_HOUR = 30 * MINUTE;
const LATENESS = 20 * MINUTE;
const GAP = 7 * MINUTE;
/** Two offers to a visitor are at least so far apart. */
export const PAIR_WINDOW = 15 * MINUTE;
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
    visitor: fc.constantFrom('a', 'b', 'c'),
    path: fc.constantFrom('/', '/x', '/y'),
    device: fc.constantFrom('desktop', 'mobile'),
  })
  .map(({ atMs, id, ...fields }) => {
    const event = pageView(atMs, { id: `id${id}`, ...fields });
    return { ...event, data: { ...event.data, properties: { item_id: fields.path } } };
  });

/** Who looks at one thing and then at another: an offer. */
export const batchBehaviours = behaviours({
  name: 'pair',
  windowMs: PAIR_WINDOW,
  events: [{ type: 'page_view' }],
  states: ['neither', 'one'],
  transitions: [
    { from: 'neither', to: 'one', when: [{ property: 'item_id', equals: '/x' }] },
    { from: 'one', to: 'neither', when: [{ property: 'item_id', equals: '/y' }], offer: { name: 'both' } },
  ],
});

/** The state of a partition when all that was sent to it is read in one go. */
function readAtOnce(packs: readonly (readonly BatchEvent[])[], parts: Omit<StateParts, 'seed' | 'listMetrics'>) {
  const state = createPartitionState(batchOptions, { ...parts, listMetrics: [], seed: [1, 2] });
  for (const [sequenceNumber, pack] of packs.entries())
    state.apply(pack, { sequenceNumber, offset: '', enqueuedAtMs: enqueuedAt(pack) });
  return state;
}

/** The offers of one partition: bodies by message id. */
export function batchOffers(packs: readonly (readonly BatchEvent[])[]): Map<string, string> {
  const { outbox } = readAtOnce(packs, { metrics: [], behaviours: batchBehaviours });
  return new Map(outbox.peek(1_000).map(({ message }) => [message.messageId, message.body]));
}

/** How often sessions were taken back in each pane of one partition. */
export function batchRevisions(packs: readonly (readonly BatchEvent[])[]): [string, number][] {
  const panes = readAtOnce(packs, { metrics: [sessions, sessionDuration] }).takeChanges()?.panes ?? [];
  return panes.flatMap(({ metric, changes }) =>
    changes.flatMap(({ startMs, revision }): [string, number][] =>
      revision === undefined ? [] : [[`${metric.name}/${startMs}/#revision`, revision]],
    ),
  );
}

/** When a pack reaches the hub: no earlier than what is in it happened. */
export const enqueuedAt = (pack: readonly BatchEvent[]): number =>
  Math.max(START_MS, ...pack.map(({ time }) => Date.parse(time)));

type Judged =
  | { readonly event: BatchEvent; readonly outcome: 'duplicate' }
  | {
      readonly event: BatchEvent;
      readonly outcome: 'counted' | 'late';
      readonly timeMs: number;
      readonly newestMs: number;
    };

/** What becomes of each event of a partition, in their order. */
function judge(events: readonly BatchEvent[]): Judged[] {
  const seen = new Set<string>();
  let newestMs = Number.NEGATIVE_INFINITY;
  return events.map((event) => {
    if (seen.has(event.id)) return { event, outcome: 'duplicate' };
    seen.add(event.id);
    const timeMs = Date.parse(event.time);
    newestMs = Math.max(newestMs, timeMs);
    return { event, outcome: timeMs < newestMs - LATENESS ? 'late' : 'counted', timeMs, newestMs };
  });
}

/** The metrics that count a page view. */
const concerned = ['visitors', 'devices', 'pages', 'sessionDuration', 'sessions', 'views'];

/** The late stream of one partition, from the packs that were sent to it. */
export function batchLate(packs: readonly (readonly BatchEvent[])[]): LateEvent[] {
  const places = packs.flatMap((pack, sequenceNumber) => pack.map((_, index) => ({ sequenceNumber, index })));
  return judge(packs.flat()).flatMap((judged, at) => {
    if (judged.outcome !== 'late') return [];
    const { event, timeMs, newestMs } = judged;
    const metrics = concerned.map((name) => [name, timeMs - (timeMs % descriptionOf(name).paneMs)]);
    return {
      ...(places[at] as (typeof places)[number]),
      id: event.id,
      type: event.type,
      timeMs,
      enqueuedAtMs: expect.any(Number) as number,
      behindMs: newestMs - timeMs,
      metrics: Object.fromEntries(metrics),
    };
  });
}

/** The figures of one partition, computed in one go from everything that was sent to it. */
export function batchFigures(events: readonly BatchEvent[]): Map<string, number | string> {
  const figures = new Map<string, number>();
  const count = (key: string, by = 1) => figures.set(key, (figures.get(key) ?? 0) + by);
  const accepted: { event: BatchEvent; timeMs: number; horizonMs: number }[] = [];
  for (const judged of judge(events)) {
    count(`totals/0/${judged.outcome}`);
    if (judged.outcome === 'late') {
      count('totals/0/late_by:2h');
      for (const metric of concerned) count(`totals/0/late:${metric}`);
    }
    if (judged.outcome !== 'counted') continue;
    const { event, timeMs, newestMs } = judged;
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
  const durations = new Map<string, unknown>();
  for (const { startMs, lastMs } of batchSessions(accepted)) {
    const pane = Math.floor(startMs / HALF_HOUR) * HALF_HOUR;
    count(`sessions/${pane}/sessions`);
    const key = `sessionDuration/${pane}/all`;
    durations.set(key, quantiles.add(durations.get(key) ?? quantiles.create(), (lastMs - startMs) / 1_000, startMs));
  }
  return new Map([
    ...[...figures].filter(([, value]) => value !== 0),
    ...Array.from(durations, ([key, state]) => [key, quantiles.encode(state)] as const),
  ]);
}

/** The sessions of all visitors, from all their events at once. */
function batchSessions(accepted: readonly { event: BatchEvent; timeMs: number }[]) {
  const sessionsOfAll: { startMs: number; lastMs: number }[] = [];
  const newest = new Map<string, { startMs: number; lastMs: number }>();
  for (const { event, timeMs } of [...accepted].sort((a, b) => a.timeMs - b.timeMs)) {
    const visitor = event.data.anonymousId;
    const known = newest.get(visitor);
    if (known !== undefined && timeMs - known.lastMs <= GAP) {
      known.lastMs = timeMs;
      continue;
    }
    const begun = { startMs: timeMs, lastMs: timeMs };
    newest.set(visitor, begun);
    sessionsOfAll.push(begun);
  }
  return sessionsOfAll;
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
