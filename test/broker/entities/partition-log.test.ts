import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPartitionLog, EMPTY_LOG, type Position } from '../../../src/broker/entities/index.js';

/** The numbers of a partition, and the plain list of times that they have to agree with. */
function createDriver() {
  let log = createPartitionLog(EMPTY_LOG);
  let first = 0;
  const times: number[] = [];
  let nowMs = 1000;

  return {
    append(count: number) {
      const { sequence, enqueuedAtMs } = log.stamp(nowMs);
      expect(sequence).toBe(times.length);
      log.append(count, enqueuedAtMs);
      log.publish(sequence + count, enqueuedAtMs);
      for (let index = 0; index < count; index++) times.push(enqueuedAtMs);
    },
    /** Appended, and lost before it was durable. */
    abandon(count: number) {
      log.append(count, log.stamp(nowMs).enqueuedAtMs);
      log.abandon();
    },
    /** The machine's clock may also be set back. */
    clock(ms: number) {
      nowMs += ms;
    },
    truncate(sequence: number) {
      log.truncate(sequence);
      first = Math.max(first, Math.min(sequence, times.length));
    },
    restart() {
      log = createPartitionLog(log.state());
    },
    check(position: Position) {
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(log.facts()).toMatchObject({
        firstSequence: first,
        lastSequence: times.length - 1,
        lastOffset: String(times.length - 1),
        isEmpty: first === times.length,
      });
      const resolved = log.resolve(position);
      const start = naive(position);
      if (start === undefined) expect(resolved.kind).toBe('beyond-end');
      else if (resolved.kind === 'at') expect(resolved.sequence).toBe(start);
      else {
        expect(resolved.kind).toBe('search');
        if (resolved.kind !== 'search') return;
        expect(times.findIndex((time, index) => index >= first && time >= resolved.fromMs)).toBe(start);
      }
    },
  };

  /** Where a reader begins, by looking at every event. */
  function naive(position: Position): number | undefined {
    const last = times.length - 1;
    switch (position.kind) {
      case 'earliest':
        return first;
      case 'latest':
        return times.length;
      case 'sequence': {
        const wanted = position.inclusive ? position.sequence : position.sequence + 1;
        return wanted > last + 1 ? undefined : Math.max(first, wanted);
      }
      case 'enqueued-time': {
        const found = times.findIndex(
          (time, index) => index >= first && (position.inclusive ? time >= position.timeMs : time > position.timeMs),
        );
        return found < 0 ? times.length : found;
      }
    }
  }
}

const position: fc.Arbitrary<Position> = fc.oneof(
  fc.constant<Position>({ kind: 'earliest' }),
  fc.constant<Position>({ kind: 'latest' }),
  fc.record({ kind: fc.constant('sequence' as const), sequence: fc.nat(40), inclusive: fc.boolean() }),
  fc.record({
    kind: fc.constant('enqueued-time' as const),
    timeMs: fc.integer({ min: 900, max: 1400 }),
    inclusive: fc.boolean(),
  }),
);

const steps = fc.array(
  fc.oneof(
    fc.integer({ min: 1, max: 8 }).map((count) => ['append', count] as const),
    fc.integer({ min: -20, max: 60 }).map((ms) => ['clock', ms] as const),
    fc.nat(30).map((sequence) => ['truncate', sequence] as const),
    fc.nat(8).map((count) => ['abandon', count] as const),
    fc.constant(['restart', 0] as const),
  ),
  { maxLength: 40, size: 'max' },
);

describe('a partition', () => {
  it('numbers its events without gaps and finds every position, also after restarts and retention', () => {
    fc.assert(
      fc.property(steps, fc.array(position, { minLength: 1, maxLength: 5 }), (sequence, positions) => {
        const driver = createDriver();
        for (const [name, value] of sequence) {
          driver[name](value);
          for (const one of positions) driver.check(one);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('shows no event before it is durable', () => {
    const log = createPartitionLog(EMPTY_LOG);
    log.append(1, 5);
    expect(log.facts()).toMatchObject({ lastSequence: -1, isEmpty: true });
    expect(log.resolve({ kind: 'latest' })).toEqual({ kind: 'at', sequence: 0 });
  });
});
