import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultAggregatorOptions } from '../../../src/aggregators/options.js';
import type { PartitionState } from '../../../src/aggregators/state/partition.js';
import { createPartitionDriver, pageView, type TestEvent } from '../driver.js';

const MINUTE = 60_000;
const HALF_HOUR = 30 * MINUTE;
const LATENESS = 20 * MINUTE;
const GAP = 7 * MINUTE;
/** Ids are remembered for longer than the test lasts: forgetting them is the subject of another test. */
const options = {
  ...defaultAggregatorOptions,
  allowedLatenessMs: LATENESS,
  sessions: { gapMs: GAP, maxKeys: 1_000 },
  dedup: { rotateAfterMs: 600 * MINUTE, maxIdsPerGeneration: 10_000 },
};

type Event = TestEvent & ReturnType<typeof pageView>;

const eventArbitrary: fc.Arbitrary<Event> = fc
  .record({
    atMs: fc.integer({ min: 0, max: 90 * MINUTE }),
    id: fc.integer({ min: 0, max: 60 }),
    visitor: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    path: fc.constantFrom('/', '/x', '/y'),
    device: fc.constantFrom('desktop', 'mobile'),
  })
  .map(({ atMs, id, ...fields }) => pageView(atMs, { id: `id${id}`, ...fields }));

type Step =
  | { kind: 'send'; partition: number; pack: Event[] }
  | { kind: 'read'; partition: number; count: number }
  | { kind: 'show' | 'failToShow' | 'save' | 'crash'; partition: number };

const PARTITIONS = 2;
const partition = fc.integer({ min: 0, max: PARTITIONS - 1 });
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      partition,
      pack: fc.array(eventArbitrary, { maxLength: 6 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('read' as const), partition, count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('show' as const, 'failToShow' as const, 'save' as const, 'crash' as const),
      partition,
    }),
  },
);

/** The figures of one partition, computed in one go from everything that was sent to it. */
function batchFigures(events: readonly Event[]): Map<string, number> {
  const figures = new Map<string, number>();
  const count = (key: string, by = 1) => figures.set(key, (figures.get(key) ?? 0) + by);
  const seen = new Set<string>();
  let newestMs = Number.NEGATIVE_INFINITY;
  const accepted: { event: Event; timeMs: number; horizonMs: number }[] = [];
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
function sessionStarts(accepted: readonly { event: Event; timeMs: number }[]): number[] {
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
  accepted: readonly { event: Event; timeMs: number; horizonMs: number }[],
  keyOf: (event: Event) => string,
  metricOf: (event: Event) => string,
  nameOf: (event: Event) => string,
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

test('after any crashes, failures and repetitions the figures equal a batch computation, and none ever went down', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 60 }), async (steps) => {
      const drivers = Array.from({ length: PARTITIONS }, (_, index) => createPartitionDriver(String(index), options));
      const sent: Event[][] = drivers.map(() => []);
      const highest = new Map<string, number>();
      const neverDown = (index: number) => {
        for (const [key, value] of drivers[index]?.shown.values ?? []) {
          if (!/\/(pageViews|visitors)$|^pages|^totals/.test(key) || typeof value === 'string') continue;
          expect(value, key).toBeGreaterThanOrEqual(highest.get(key) ?? 0);
          highest.set(key, value);
        }
      };
      for (const step of steps) {
        const driver = drivers[step.partition];
        if (driver === undefined) continue;
        switch (step.kind) {
          case 'send':
            driver.send(step.pack, 90 * MINUTE);
            sent[step.partition]?.push(...step.pack);
            break;
          case 'read':
            driver.read(step.count);
            break;
          default:
            await driver[step.kind]();
        }
        neverDown(step.partition);
      }
      for (const [index, driver] of drivers.entries()) {
        driver.read();
        driver.show();
        neverDown(index);
        const shown = new Map(
          [...driver.shown.values].map(([key, value]) => {
            const [metric, pane, , ...name] = key.split('/');
            return [`${metric}/${pane}/${name.join('/')}`, value];
          }),
        );
        shown.delete('totals/0/revised_sessions');
        expect(shown).toEqual(batchFigures(sent[index] ?? []));
      }
    }),
    { numRuns: 1_000 },
  );
}, 60_000);

test('a state that was saved and restored goes on exactly like one that was not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(eventArbitrary, { maxLength: 8 }), { maxLength: 20 }),
      fc.nat(20),
      async (packs, at) => {
        const whole = createPartitionDriver('0', options);
        const restored = createPartitionDriver('0', options);
        for (const [index, pack] of packs.entries()) {
          whole.send(pack);
          restored.send(pack);
          restored.read();
          if (index === at) {
            await restored.save();
            await restored.crash();
          }
        }
        whole.read();
        whole.show();
        restored.show();
        if (whole.state.position === undefined) return;
        expect(contentOf(restored.state)).toEqual(contentOf(whole.state));
      },
    ),
    { numRuns: 100 },
  );
}, 60_000);

/** Everything of a state but the ids that it remembers, which may be one of two generations. */
function contentOf(state: PartitionState): unknown {
  const { ids: _, visitors, sessions, ...rest } = state.save().finish();
  return sorted({ ...rest, visitors: visitors.toString('hex'), sessions: sessions.keys.toString('hex') });
}

/** Order inside the lists means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => JSON.stringify(sorted(item))).sort();
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sorted(item)]));
}
