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

  it('says a second when nothing is known', () => {
    expect(createBudget(createManualClock(), 10).retryAfterSeconds()).toBe(1);
  });
});
