import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHeavyKeys } from '../../../src/gateway/policy/heavy-keys.js';
import { createHotVisitors, type HotVisitor } from '../../../src/gateway/policy/hot-visitors.js';

test('a counter never says more than the truth, nor less by more than its share of the stream', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...'aaaabbbccdefghij'), { maxLength: 300 }),
      fc.integer({ min: 1, max: 8 }),
      (stream, capacity) => {
        const counters = createHeavyKeys(capacity);
        const truth = new Map<string, number>();
        stream.forEach((key, index) => {
          truth.set(key, (truth.get(key) ?? 0) + 1);
          const count = counters.add(key);
          expect(count).toBeLessThanOrEqual(truth.get(key) ?? 0);
          expect(count).toBeGreaterThanOrEqual((truth.get(key) ?? 0) - (index + 1) / (capacity + 1));
        });
      },
    ),
  );
});

/** A seeded stand-in for chance. */
function chance(seed = 1) {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function watchOf(action: 'report' | 'drop') {
  const told: HotVisitor[] = [];
  const watch = createHotVisitors({ eventsPerSecond: 100, action }, chance(), (visitor) => told.push(visitor));
  /** Sends at a rate over some seconds, between those of a crowd, and counts what is kept of it. */
  const send = (eventsPerSecond: number, fromMs: number, seconds: number) => {
    let kept = 0;
    for (let event = 0; event < eventsPerSecond * seconds; event++) {
      const nowMs = fromMs + (event * 1000) / eventsPerSecond;
      const one = watch?.('shop', nowMs);
      if (one?.('hot', `event ${event}`)) kept++;
      for (let other = 0; other < 3; other++) expect(one?.(`visitor ${event} ${other}`, 'x')).toBe(true);
    }
    return kept;
  };
  return { told, send };
}

test('a visitor that could fill a partition is told of once, by an event and not by name', () => {
  const { told, send } = watchOf('report');
  expect(send(1000, 0, 20)).toBe(20_000);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ source: 'shop', eventId: expect.stringMatching(/^event \d+$/) as string });
  expect(told[0]?.eventsPerSecond).toBeGreaterThan(500);
  expect(JSON.stringify(told)).not.toContain('"hot"');
});

test('one that sends half of what is allowed is not', () => {
  const { told, send } = watchOf('report');
  send(50, 0, 60);
  expect(told).toEqual([]);
});

test('where it is wanted it is held to its rate, and nobody else is', () => {
  const { send } = watchOf('drop');
  send(1000, 0, 10);
  const kept = send(1000, 10_000, 10);
  expect(kept).toBeGreaterThanOrEqual(990);
  expect(kept).toBeLessThanOrEqual(1100);
});

test('one that has cooled down is free again after a minute', () => {
  const { told, send } = watchOf('drop');
  send(1000, 0, 10);
  send(10, 100_000, 1);
  expect(send(90, 120_000, 5)).toBe(450);
  send(1000, 200_000, 10);
  expect(told).toHaveLength(2);
});

test('nobody is watched where nobody asked', () => {
  expect(createHotVisitors({ eventsPerSecond: 0, action: 'drop' }, Math.random, () => {})).toBeUndefined();
});
