import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLocks } from '../../../../src/broker/entities/queue/locks.js';

const entry = (sequence: number) => ({
  sequence,
  sizeBytes: 1,
  expiresAtMs: Number.POSITIVE_INFINITY,
  state: 'active' as const,
  deliveryCount: 0,
  record: undefined,
});

describe('locks', () => {
  it('end in the order of their times, also when the lock duration changes while they last', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('add' as const), durationMs: fc.constantFrom(10, 50, 200) }),
        fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 60 }) }),
        fc.record({ kind: fc.constant('remove' as const), index: fc.nat(50) }),
      ),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(steps, (sequence) => {
        let durationMs = 10;
        const locks = createLocks(() => durationMs);
        const expected = new Map<string, number>();
        let nowMs = 0;
        let made = 0;
        for (const step of sequence) {
          if (step.kind === 'add') {
            const token = `t${made}`;
            durationMs = step.durationMs;
            expect(locks.add(token, entry(made++), nowMs)).toBe(nowMs + durationMs);
            expected.set(token, nowMs + durationMs);
          } else if (step.kind === 'remove') {
            const token = `t${step.index}`;
            const there = expected.delete(token);
            expect(locks.remove(token, nowMs) !== undefined).toBe(there);
          } else {
            nowMs += step.ms;
            const ended = [...expected].filter(([, endMs]) => endMs <= nowMs).map(([token]) => token);
            for (const token of ended) {
              expect(locks.remove(token, nowMs)).toBeUndefined();
              expected.delete(token);
            }
            const found = locks.expire(nowMs).map((one) => `t${one.sequence}`);
            expect(found.sort()).toEqual(ended.sort());
          }
          expect(locks.nextEndMs()).toBe(expected.size === 0 ? undefined : Math.min(...expected.values()));
          expect([...locks.entries()].length).toBe(expected.size);
        }
      }),
    );
  });

  it('end within their duration also when the clock is set back, and then in order', () => {
    const [nowMs, durationMs] = [10_000_000, 1000];
    const locks = createLocks(() => durationMs);
    locks.add('before', entry(1), nowMs);
    const backMs = nowMs - 3_600_000;
    locks.add('after', entry(2), backMs + 10);
    expect(locks.nextEndMs()).toBe(backMs + 10 + durationMs);
    expect(locks.expire(backMs + 10 + durationMs).map(({ sequence }) => sequence)).toEqual([1, 2]);

    locks.add('alone', entry(3), nowMs);
    expect(locks.expire(backMs)).toEqual([]);
    expect(locks.nextEndMs()).toBe(backMs + durationMs);
    expect(locks.remove('alone', backMs + durationMs - 1)?.sequence).toBe(3);
  });
});
