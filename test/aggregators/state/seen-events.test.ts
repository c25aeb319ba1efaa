import { expect, test } from 'vitest';
import { createSeenEvents } from '../../../src/aggregators/state/seen-events.js';
import type { PenstockEvent } from '../../../src/events/index.js';

const HOUR = 3_600_000;
const SEED = [1, 2] as const;
const options = {
  dedup: { rotateAfterMs: HOUR, maxIdsPerGeneration: 4 },
  messageDedup: { rotateAfterMs: 13 * HOUR, maxIdsPerGeneration: 100 },
};
const event = (id: string, messageid?: string) => ({ id, source: 'shop', messageid }) as unknown as PenstockEvent;

test('an event that was copied from the topic once more is known by its message, though its own id is forgotten', () => {
  const seen = createSeenEvents(options, SEED);
  expect(seen.add(event('order', 'purchase:1'), 0, 0)).toBe(true);
  for (let at = 0; at < 10; at++) expect(seen.add(event(`click-${at}`), 0, 0)).toBe(true);
  expect(seen.add(event('order', 'purchase:1'), 12 * HOUR, 12 * HOUR)).toBe(false);
});

test('an order that was sent again under another event id is known by its message, and the other way round', () => {
  const seen = createSeenEvents(options, SEED);
  expect(seen.add(event('a', 'purchase:1'), 0, 0)).toBe(true);
  expect(seen.add(event('b', 'purchase:1'), 0, 0)).toBe(false);
  expect(seen.add(event('a', 'purchase:2'), 0, 0)).toBe(false);
  const restored = createSeenEvents(options, SEED, seen.save());
  expect(restored.add(event('c', 'purchase:1'), 0, 0)).toBe(false);
});

test('it is told when there is no room for ids of as long as a repetition would count', () => {
  const seen = createSeenEvents(options, SEED);
  seen.add(event('a'), 0, 0);
  expect(seen.remembered(HOUR)).toEqual({ ms: Number.POSITIVE_INFINITY, tooShort: false });
  for (let at = 0; at < 8; at++) seen.add(event(`click-${at}`), HOUR / 2 + at, 0);
  expect(seen.remembered(HOUR / 2 + 8)).toEqual({ ms: expect.any(Number), tooShort: true });
});
