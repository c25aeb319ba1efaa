import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultAggregatorOptions, recompute } from '../../src/aggregators/index.js';
import type { PartitionEvent } from '../../src/messaging/index.js';
import { readFigures } from '../../src/query/index.js';
import { descriptionOf, pageView, START_MS } from './driver.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface Sent {
  readonly partition?: string;
  /** After the start. */
  readonly enqueuedMs: number;
  readonly pack: readonly unknown[];
}

/** A hub in memory, whose batches have `batchSize` hub events. */
function historyOf(sent: readonly Sent[], batchSize = 3) {
  const partitions = new Map<string, PartitionEvent[]>();
  for (const { partition = '0', enqueuedMs, pack } of sent) {
    const events = partitions.get(partition) ?? [];
    partitions.set(partition, events);
    events.push({
      partitionId: partition,
      sequenceNumber: events.length,
      offset: String(events.length),
      enqueuedAtMs: START_MS + enqueuedMs,
      body: Buffer.from(JSON.stringify(pack)),
    });
  }
  return {
    partitions: async () => [...partitions.keys()].sort(),
    async *read(partitionId: string) {
      const events = partitions.get(partitionId) ?? [];
      for (let at = 0; at < events.length; at += batchSize) yield events.slice(at, at + batchSize);
    },
  };
}

const options = (asOfMs: number, arrivalsInSeconds = false) => ({
  aggregator: defaultAggregatorOptions,
  behaviours: [],
  seed: [7, 11] as const,
  arrivalsInSeconds,
  asOfMs,
});

async function figuresOf(sent: readonly Sent[], asOfAfterMs: number, { batchSize = 3, inSeconds = false } = {}) {
  const asOfMs = START_MS + asOfAfterMs;
  return readFigures(await recompute(historyOf(sent, batchSize), options(asOfMs, inSeconds)), asOfMs);
}

test('figures are those of the events as of a time, added up over the partitions', async () => {
  const sent = [
    { enqueuedMs: MINUTE, pack: [pageView(0, { visitor: 'a', path: '/x' }), pageView(0, { visitor: 'b' })] },
    {
      partition: '1',
      enqueuedMs: 10 * MINUTE,
      pack: [pageView(10 * MINUTE, { visitor: 'c', path: '/x', device: 'tablet' })],
    },
  ];
  const figures = await figuresOf(sent, 10 * MINUTE);
  expect(figures.asOf).toBe(new Date(START_MS + 10 * MINUTE).toISOString());
  expect(figures.visitors.total).toBe(3);
  expect(figures.pages).toEqual([
    { path: '/x', views: 2 },
    { path: '/', views: 1 },
  ]);
  expect(figures.devices).toEqual({ total: 1, byType: { tablet: 1 } });
  expect(figures.events).toHaveLength(3);
  expect((await figuresOf(sent, 16 * MINUTE)).visitors.total).toBe(1);
});

test('late events, repetitions and what is no event are judged as they are live', async () => {
  const sent = [
    { enqueuedMs: 2 * HOUR, pack: [pageView(2 * HOUR, { id: 'one', path: '/x' }), { id: 7 }] },
    {
      enqueuedMs: 2 * HOUR,
      pack: [pageView(2 * HOUR, { id: 'one', path: '/x' }), pageView(30 * MINUTE, { path: '/late' })],
    },
  ];
  expect((await figuresOf(sent, 2 * HOUR)).pages).toEqual([{ path: '/x', views: 1 }]);
});

test('a pane of which something was taken back says so, and has what is left', async () => {
  const [first, second] = [pageView(40 * MINUTE), pageView(20 * MINUTE)];
  const sent = [
    { enqueuedMs: HOUR, pack: [first] },
    { enqueuedMs: HOUR, pack: [second] },
  ];
  const { series } = (await figuresOf(sent, 40 * MINUTE, { batchSize: 1 })).sessions;
  expect(series.at(-1)).toMatchObject({ sessions: 0, revision: 1 });
  expect(series.at(-2)).toMatchObject({ sessions: 1 });
});

test('of panes that nothing shows any more nothing is kept', async () => {
  const days = Array.from({ length: 5 }, (_, day) => ({
    enqueuedMs: day * 24 * HOUR,
    pack: [pageView(day * 24 * HOUR)],
  }));
  const asOfMs = START_MS + 3 * 24 * HOUR;
  const store = await recompute(historyOf(days), options(asOfMs));
  const startsMs = days.map(({ enqueuedMs }) => START_MS + enqueuedMs);
  const kept = await store.readPanes(descriptionOf('pages'), startsMs);
  expect([...kept.keys()]).toEqual(startsMs.slice(3, 4));
});

/** Around the 5 minutes that an event may be ahead, and the times after which ids are forgotten. */
const sentArbitrary: fc.Arbitrary<Sent[]> = fc
  .array(
    fc.record({
      afterMs: fc.oneof(fc.nat(3 * SECOND), fc.nat(70 * MINUTE)),
      id: fc.nat(12),
      visitor: fc.constantFrom('a', 'b', 'c'),
      aheadMs: fc.oneof(
        fc.constant(0),
        fc.integer({ min: -65 * MINUTE, max: 0 }),
        fc.integer({ min: 5 * MINUTE - 2 * SECOND, max: 5 * MINUTE + 2 * SECOND }),
      ),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((steps) => {
    let enqueuedMs = 0;
    return steps.map(({ afterMs, id, visitor, aheadMs }) => {
      enqueuedMs += afterMs;
      const event = pageView(enqueuedMs + aheadMs, { id: `id${id}`, visitor });
      const received = { ...event, data: { ...event.data, receivedAt: new Date(START_MS + enqueuedMs).toISOString() } };
      return { partition: visitor, enqueuedMs, pack: [received] };
    });
  });

test('who knows times of arrival to the second alone comes to the same figures, and says nothing of delays', async () => {
  await fc.assert(
    fc.asyncProperty(sentArbitrary, fc.integer({ min: 1, max: 5 }), async (sent, batchSize) => {
      const asOfMs = (sent.at(-1) as Sent).enqueuedMs + 6 * MINUTE;
      const seconds = sent.map((one) => ({ ...one, enqueuedMs: one.enqueuedMs - (one.enqueuedMs % SECOND) }));
      const { metrics, ...exact } = await figuresOf(sent, asOfMs);
      const { metrics: ofSeconds, ...rest } = await figuresOf(seconds, asOfMs, { batchSize, inSeconds: true });
      expect(rest).toEqual(exact);
      const { ingestionDelay, ...others } = metrics;
      expect(ingestionDelay?.values.length).toBeLessThanOrEqual(1);
      const { ingestionDelay: unknown, ...sameOthers } = ofSeconds;
      expect(unknown?.values).toEqual([]);
      expect(sameOthers).toEqual(others);
    }),
    { numRuns: 150 },
  );
});
