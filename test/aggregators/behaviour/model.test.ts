import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMachine } from '../../../src/aggregators/behaviour/machine.js';
import { START_MS } from '../driver.js';
import { MINUTE, outfit, product, view } from './support.js';

const WINDOW = 30 * MINUTE;
const LATENESS = 60 * MINUTE;

interface Seen {
  readonly atMs: number;
  readonly item: string;
}

const isClothing = ({ item }: Seen) => 'abcdef'.includes(item);
const isShoe = ({ item }: Seen) => 'stuvw'.includes(item);
const isWithin = (views: readonly Seen[]) => {
  const times = views.map(({ atMs }) => atMs);
  return Math.max(...times) - Math.min(...times) < WINDOW;
};

/**
 * The offers to one visitor, worked out without a machine: after each view the longest run of views that ends with it
 * and is the beginning of the sequence. Views that repeat the one before are left out first.
 */
function offersByHand(views: readonly Seen[]): number[] {
  const offers: number[] = [];
  let run: Seen[] = [];
  let last: Seen | undefined;
  views.forEach((now, index) => {
    const past = run.length > 0 || last === undefined ? run : [last];
    const live = isWithin([...past, now]);
    if (live && last?.item === now.item) return;
    run = live ? [...run, now] : [now];
    const [first, second, third] = run as [Seen, Seen?, Seen?];
    const complete = third && isClothing(third) && third.item !== first.item;
    const begun = isClothing(first) && (!second || isShoe(second)) && (!third || complete);
    if (!begun) run = isClothing(now) ? [now] : [];
    last = run.length > 0 ? now : undefined;
    if (!begun || !complete) return;
    run = [];
    const newest = Math.max(Number.NEGATIVE_INFINITY, ...offers.map((at) => (views[at] as Seen).atMs));
    if (now.atMs >= newest + WINDOW) offers.push(index);
  });
  return offers;
}

const views = fc.array(
  fc.record({
    visitor: fc.constantFrom('v1', 'v2', 'v3'),
    item: fc.constantFrom('a', 'b', 'c', 's', 't', 'x'),
    stepMs: fc.oneof(fc.integer({ min: 0, max: 3 * MINUTE }), fc.integer({ min: 0, max: 45 * MINUTE })),
    behindMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: LATENESS })),
  }),
  { minLength: 30, maxLength: 80, size: 'max' },
);

/** No law holds of nothing: how many offers the runs made. */
let offers = 0;

test('any views in any order, restored and swept at any time, lead to the offers that they lead to by hand', () => {
  fc.assert(
    fc.property(views, fc.nat(80), fc.nat(80), (list, restoreAt, sweepAt) => {
      let machine = createMachine(outfit, 100);
      const byVisitor = new Map<string, Seen[]>();
      const offered: string[] = [];
      let nowMs = 3 * LATENESS;
      list.forEach(({ visitor, item, stepMs, behindMs }, index) => {
        nowMs += stepMs;
        const seen = { atMs: nowMs - behindMs, item };
        const ofVisitor = byVisitor.get(visitor) ?? [];
        byVisitor.set(visitor, [...ofVisitor, seen]);
        const event = view(seen.atMs, { ...product(item), visitor });
        const timeMs = START_MS + seen.atMs;
        if (index >= sweepAt) machine.evict(START_MS + nowMs - LATENESS);
        if (index === restoreAt) machine = createMachine(outfit, 100, JSON.parse(JSON.stringify(machine.save())));
        const step = machine.observe({
          event,
          timeMs,
          enqueuedAtMs: timeMs,
          enqueuedToMs: true,
          visitor,
          visit: undefined,
        });
        if (typeof step === 'object' && step.offer !== undefined) offered.push(`${visitor} ${ofVisitor.length}`);
      });
      const expected = [...byVisitor].flatMap(([visitor, seen]) => offersByHand(seen).map((at) => `${visitor} ${at}`));
      offers += expected.length;
      expect(offered.sort()).toEqual(expected.sort());
    }),
    { numRuns: 1_000 },
  );
  expect(offers).toBeGreaterThan(200);
});
