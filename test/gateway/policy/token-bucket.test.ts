import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fullBucket, spend, waitMsOf } from '../../../src/gateway/policy/token-bucket.js';

const requests = fc.array(
  fc.record({ afterMs: fc.integer({ min: 0, max: 5000 }), count: fc.integer({ min: 1, max: 60 }) }),
  { minLength: 1, maxLength: 60 },
);
const rates = fc.record({
  eventsPerSecond: fc.integer({ min: 1, max: 50 }),
  burst: fc.integer({ min: 1, max: 40 }),
});

test('over any stretch of time no more passes than a burst, the rate, and what one request is above a burst', () => {
  fc.assert(
    fc.property(rates, requests, (rate, sent) => {
      const bucket = fullBucket(rate, 0);
      const passed: { atMs: number; count: number }[] = [];
      let nowMs = 0;
      for (const { afterMs, count } of sent) {
        nowMs += afterMs;
        if (waitMsOf(bucket, rate, count, nowMs) > 0) continue;
        spend(bucket, count);
        passed.push({ atMs: nowMs, count });
      }
      for (let from = 0; from < passed.length; from++) {
        let events = 0;
        for (let to = from; to < passed.length; to++) {
          const { atMs, count } = passed[to] as { atMs: number; count: number };
          events += count;
          const elapsedMs = atMs - (passed[from]?.atMs ?? 0);
          const debt = Math.max(0, count - rate.burst);
          expect(events).toBeLessThanOrEqual(rate.burst + (elapsedMs * rate.eventsPerSecond) / 1000 + debt + 1e-6);
        }
      }
    }),
  );
});

test('whoever waits as long as it was told, passes', () => {
  fc.assert(
    fc.property(rates, requests, (rate, sent) => {
      const bucket = fullBucket(rate, 0);
      let nowMs = 0;
      for (const { count } of sent) {
        nowMs += Math.ceil(waitMsOf(bucket, rate, count, nowMs));
        expect(waitMsOf(bucket, rate, count, nowMs)).toBeLessThan(1e-6);
        spend(bucket, count);
      }
    }),
  );
});

test('a clock that is set back neither earns tokens nor takes any', () => {
  const rate = { eventsPerSecond: 1, burst: 2 };
  const bucket = fullBucket(rate, 10_000);
  spend(bucket, 2);
  expect(waitMsOf(bucket, rate, 1, 1000)).toBe(1000);
  expect(waitMsOf(bucket, rate, 1, 2000)).toBe(0);
});
