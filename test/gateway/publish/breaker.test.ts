import { expect, test } from 'vitest';
import { createBreaker } from '../../../src/gateway/publish/breaker.js';
import { createManualClock } from '../../helpers/manual-clock.js';

const OPTIONS = { minMs: 100, maxMs: 5_000 };

function settleAll(tookMs: number, times: number) {
  const clock = createManualClock();
  const breaker = createBreaker(clock, OPTIONS);
  for (let count = 0; count < times; count++) {
    const sinceMs = clock.now();
    clock.advance(tookMs);
    breaker.settled(sinceMs);
  }
  return breaker.patienceMs();
}

test('a broker is slow by its own measure, and never before the least patience nor after the most', () => {
  expect(createBreaker(createManualClock(), OPTIONS).patienceMs()).toBe(100);
  expect(settleAll(1, 50)).toBe(100);
  expect(settleAll(50, 50)).toBe(1_000);
  expect(settleAll(2_000, 50)).toBe(5_000);
});

test('one slow batch among many quick ones changes little', () => {
  const clock = createManualClock();
  const breaker = createBreaker(clock, OPTIONS);
  for (const tookMs of [...Array(50).fill(20), 1_000]) {
    const sinceMs = clock.now();
    clock.advance(tookMs);
    breaker.settled(sinceMs);
  }
  expect(breaker.patienceMs()).toBeLessThan(1_500);
});
