import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createIdFilter } from '../../../src/broker/entities/id-filter.js';

const WINDOW_MS = 100;

it('never takes an id for unseen that is in the window of the newest time, however full it is and also where a clock is set back', () => {
  const step = fc.record({ id: fc.string({ maxLength: 5 }), laterMs: fc.integer({ min: -20, max: 150 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const filter = createIdFilter(() => WINDOW_MS, 256);
      const seen = new Map<string, number>();
      let nowMs = 1_000;
      let newestMs = nowMs;
      for (const { id, laterMs } of steps) {
        nowMs += laterMs;
        newestMs = Math.max(newestMs, nowMs);
        filter.add(id, nowMs);
        seen.set(id, nowMs);
        for (const [other, seenAtMs] of seen) {
          if (seenAtMs > newestMs - WINDOW_MS) expect([other, filter.mayHave(other)]).toEqual([other, true]);
        }
      }
    }),
  );
});

it('takes few others for seen, and forgets what is older than the window', () => {
  const filter = createIdFilter(() => WINDOW_MS, 2 ** 20);
  const ids = (name: string) => Array.from({ length: 50_000 }, (_, index) => `${name}:${index}`);
  const share = (name: string) => ids(name).filter(filter.mayHave).length / 50_000;
  for (const id of ids('a')) filter.add(id, 0);
  expect(share('a')).toBe(1);
  expect(share('b')).toBeLessThan(0.01);
  for (const atMs of [100, 201, 302, 403]) for (const id of ids('b')) filter.add(id, atMs);
  expect(share('b')).toBe(1);
  expect(share('a')).toBeLessThan(0.01);
});
