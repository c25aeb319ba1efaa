import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBudget } from '../../../src/gateway/publish/budget.js';
import { createManualClock } from '../../helpers/manual-clock.js';

describe('the budget of waiting bytes', () => {
  it('refuses what would exceed it, but takes any request when nothing waits', () => {
    const budget = createBudget(createManualClock(), 100);
    expect(budget.reserve(500)).toBe(true);
    expect(budget.reserve(1)).toBe(false);
    budget.release(500);
    expect(budget.reserve(60)).toBe(true);
    expect(budget.reserve(40)).toBe(true);
    expect(budget.reserve(1)).toBe(false);
    expect(budget.pendingBytes()).toBe(100);
  });

  it('says when to come again by how fast the bytes drain', () => {
    const clock = createManualClock();
    const budget = createBudget(clock, 1e9);
    budget.reserve(101_000);
    clock.advance(1000);
    budget.release(1000);
    clock.advance(1000);
    // 100,000 bytes wait, and 1,000 drained in the last second; a minute is the most that is said.
    expect(budget.retryAfterSeconds()).toBe(60);
    budget.release(95_000);
    clock.advance(1000);
    expect(budget.retryAfterSeconds()).toBe(1);
  });

  it('says a second of what has not waited for a second, however long nothing did before', () => {
    const clock = createManualClock();
    const budget = createBudget(clock, 1e9);
    budget.reserve(1_000);
    budget.release(1_000);
    clock.advance(60_000);
    budget.reserve(100_000_000);
    clock.advance(999);
    expect(budget.retryAfterSeconds()).toBe(1);
    budget.release(10_000_000);
    clock.advance(1);
    expect(budget.retryAfterSeconds()).toBe(9);
    clock.advance(1_000);
    expect(budget.retryAfterSeconds()).toBe(60);
  });

  it('says a second when nothing is known', () => {
    expect(createBudget(createManualClock(), 10).retryAfterSeconds()).toBe(1);
  });
});

describe('bodies that are on their way', () => {
  it('count with the events that wait, and give back what they held', () => {
    const budget = createBudget(createManualClock(), 1000);
    const hold = budget.openHold();
    expect(hold.cover(600)).toBe(true);
    expect(budget.pendingBytes()).toBe(600);
    expect(budget.reserve(500)).toBe(false);
    const other = budget.openHold();
    expect(other.cover(500)).toBe(false);
    expect(other.cover(400)).toBe(true);
    hold.release();
    hold.release();
    expect(budget.pendingBytes()).toBe(400);
  });

  it('hold as much as they grow to, not the sum of what they were', () => {
    const budget = createBudget(createManualClock(), 1000);
    const hold = budget.openHold();
    for (const bytes of [100, 300, 200]) hold.cover(bytes);
    expect(budget.pendingBytes()).toBe(300);
  });

  it('may be larger than the limit when nothing else is there', () => {
    const budget = createBudget(createManualClock(), 10);
    const hold = budget.openHold();
    expect(hold.claim(1_000_000)).toBe(true);
    expect(hold.cover(2_000_000)).toBe(true);
    expect(budget.openHold().claim(1)).toBe(false);
  });

  it('take no more than half of the room together when they are large', () => {
    const budget = createBudget(createManualClock(), 1_000_000);
    const holds = Array.from({ length: 3 }, () => budget.openHold());
    expect(holds.map((hold) => hold.claim(240_000))).toEqual([true, true, false]);
    expect(budget.reserve(500_000)).toBe(true);
    // One that did not say that it would be large is found out.
    budget.release(500_000);
    const sly = budget.openHold();
    expect(sly.claim(0)).toBe(true);
    expect(sly.cover(64 * 1024)).toBe(true);
    expect(sly.cover(64 * 1024 + 1)).toBe(false);
    holds[0]?.release();
    expect(sly.cover(64 * 1024 + 1)).toBe(true);
  });

  it('never hold more than the limit together, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(200_000)), { maxLength: 200 }), (steps) => {
        const limit = 500_000;
        const budget = createBudget(createManualClock(), limit);
        const holds = Array.from({ length: 10 }, () => budget.openHold());
        for (const [which, bytes] of steps) {
          if (bytes % 5 === 0) holds[which]?.release();
          else holds[which]?.cover(bytes);
          expect(budget.pendingBytes()).toBeLessThanOrEqual(limit);
        }
        for (const hold of holds) hold.release();
        expect(budget.pendingBytes()).toBe(0);
      }),
    );
  });
});
