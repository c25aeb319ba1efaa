import { describe, expect, it } from 'vitest';
import { createHotVisitors } from '../../../src/gateway/policy/hot-visitors.js';
import { createQuota } from '../../../src/gateway/policy/quota.js';
import { createRates } from '../../../src/gateway/policy/rates.js';
import { type Counted, createSharedCounts, type SharedCounts } from '../../../src/gateway/policy/shared-counts.js';
import { createManualClock } from '../../helpers/manual-clock.js';

/** Two processes of one gateway. */
function createPair() {
  const clock = createManualClock();
  const listeners: ((counts: readonly Counted[]) => void)[] = [];
  const told: (readonly Counted[])[] = [];
  const counts = [0, 1].map((self) =>
    createSharedCounts(clock, {
      tellOthers(gathered) {
        told.push(gathered);
        listeners.forEach((listen, number) => {
          if (number !== self) listen(gathered);
        });
      },
      onTold: (listener) => void listeners.push(listener),
    }),
  );
  return { clock, counts, told, each: <T>(make: (shared: SharedCounts) => T) => counts.map(make) as [T, T] };
}

describe('what one process lets pass counts at the other a moment later', () => {
  it('for the rate of a key', () => {
    const { clock, each } = createPair();
    const [a, b] = each((counts) => createRates({ rate: { eventsPerSecond: 1, burst: 10 } }, { counts, name: 'key' }));
    expect(a?.take('192.0.2.1', 7, clock.now())).toBeUndefined();
    clock.advance(100);
    expect(b?.take('192.0.2.2', 4, clock.now())?.code).toBe('PS_RATE_LIMITED');
    expect(b?.take('192.0.2.2', 3, clock.now())).toBeUndefined();
  });

  it('for the rate of a client, which may have all its connections to one of them', () => {
    const { clock, each } = createPair();
    const clientRate = { eventsPerSecond: 1, burst: 10 };
    const [a, b] = each((counts) => createRates({ clientRate }, { counts, name: 'key' }));
    expect(a?.take('2001:db8::1', 10, clock.now())).toBeUndefined();
    clock.advance(100);
    expect(b?.take('2001:db8::2', 1, clock.now())?.code).toBe('PS_RATE_LIMITED');
    expect(b?.take('192.0.2.1', 10, clock.now())).toBeUndefined();
  });

  it('for a quota, until its day is over', () => {
    const { clock, each } = createPair();
    const [a, b] = each((counts) => createQuota(10, { counts, name: 'shop' }));
    for (let count = 0; count < 6; count++) expect(a?.(clock.now())).toBe(true);
    clock.advance(100);
    const passed = Array.from({ length: 10 }, () => b?.(clock.now()));
    expect(passed.filter((pass) => pass)).toHaveLength(4);
    clock.advance(86_400_000);
    expect(b?.(clock.now())).toBe(true);
  });

  it.each([true, false])('for a hot visitor, of whom each of them sees half (told: %s)', (isTold) => {
    const { clock, each } = createPair();
    const hot: string[] = [];
    const watchers = each((counts) =>
      createHotVisitors(
        { eventsPerSecond: 16, action: 'report' },
        // Every eighth event is looked at.
        () => 0.25,
        ({ eventId }) => void hot.push(eventId),
        isTold ? counts : undefined,
      ),
    );
    // Of 160 events in 10 seconds a sample of 10 is expected: this is twice as many, or half of that at each.
    for (let second = 0; second < 9; second++) {
      for (const watch of watchers) {
        const look = watch?.('shop', clock.now());
        for (let count = 0; count < 8; count++) look?.('visitor', `${second}`);
      }
      clock.advance(1000);
    }
    expect(hot.length > 0).toBe(isTold);
  });

  it('for a hot visitor that is held to a rate', () => {
    const { clock, each } = createPair();
    const options = { eventsPerSecond: 100, action: 'drop' } as const;
    const [a, b] = each((counts) =>
      createHotVisitors(
        options,
        () => 0.25,
        () => {},
        counts,
      ),
    );
    const send = (watch: typeof a, events: number) => {
      const look = watch?.('shop', clock.now());
      return Array.from({ length: events }, () => look?.('visitor', 'x')).filter((kept) => kept).length;
    };
    // Hot at both of them.
    for (const watch of [a, b]) send(watch, 2000);
    clock.advance(2000);
    expect(send(a, 1000)).toBe(100);
    clock.advance(100);
    // What has come again since, and nothing of a burst of its own.
    expect(send(b, 1000)).toBeLessThan(20);
  });
});

it('counts are told together, ten times a second at the most, and nothing when there is nothing', () => {
  const { clock, counts, told } = createPair();
  const count = counts[0]?.open('rate key', () => {});
  count?.('a', 1);
  count?.('a', 2);
  count?.('b', 1);
  expect(told).toEqual([]);
  clock.advance(100);
  expect(told).toEqual([
    [
      ['rate key', 'a', 3],
      ['rate key', 'b', 1],
    ],
  ]);
  clock.advance(1000);
  expect(told).toHaveLength(1);
});

it('however many keys are counted, no more than a thousand wait to be told', () => {
  const { counts, told } = createPair();
  const count = counts[0]?.open('rate key', () => {});
  for (let key = 0; key < 2500; key++) count?.(String(key), 1);
  expect(told.map((one) => one.length)).toEqual([1000, 1000]);
});
