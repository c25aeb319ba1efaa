import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPartitionLog, EMPTY_LOG, type Position } from '../../../src/broker/entities/index.js';
import type { Write } from '../../../src/broker/store/index.js';
import { eventKey } from '../../../src/broker/store/keys.js';

/** A partition, its store, and the plain list of times that it has to agree with. */
function createDriver() {
  const store = new Map<string, Buffer>();
  let log = createPartitionLog(1, EMPTY_LOG);
  let state = EMPTY_LOG;
  let first = 0;
  const times: number[] = [];
  let nowMs = 1000;

  const commit = (writes: readonly Write[]) => {
    for (const { key, value } of writes) {
      if (value === undefined) store.delete(key.toString('hex'));
      else store.set(key.toString('hex'), value);
    }
    state = log.changedState() ?? state;
  };

  return {
    append(count: number) {
      const appended = Array.from({ length: count }, () => {
        const { sequence, enqueuedAtMs } = log.stamp(nowMs);
        expect(sequence).toBe(times.length);
        times.push(enqueuedAtMs);
        const record = Buffer.from(String(sequence));
        commit([log.append(record, enqueuedAtMs)]);
        return { event: { sequence, record }, enqueuedAtMs };
      });
      for (const { event, enqueuedAtMs } of appended) log.publish(event, enqueuedAtMs);
    },
    /** The machine's clock may also be set back. */
    clock(ms: number) {
      nowMs += ms;
    },
    truncate(sequence: number) {
      commit(log.truncate(sequence));
      first = Math.max(first, Math.min(sequence, times.length));
    },
    restart() {
      log = createPartitionLog(1, state);
    },
    check(position: Position) {
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(log.facts()).toMatchObject({
        firstSequence: first,
        lastSequence: times.length - 1,
        lastOffset: String(times.length - 1),
        isEmpty: first === times.length,
      });
      expect(store.size).toBe(times.length - first);
      const resolved = log.resolve(position);
      const start = naive(position);
      if (start === undefined) expect(resolved.kind).toBe('beyond-end');
      else if (resolved.kind === 'at') expect(resolved.sequence).toBe(start);
      else {
        expect(resolved.kind).toBe('search');
        if (resolved.kind !== 'search') return;
        expect(times.findIndex((time, index) => index >= first && time >= resolved.fromMs)).toBe(start);
        expect(start).toBeGreaterThanOrEqual(resolved.low);
        expect(start).toBeLessThan(resolved.high);
      }
    },
    read(from: number) {
      const start = Math.max(from, first);
      const events = log.readRecent(start, 10);
      const expected = Array.from(
        { length: Math.max(0, Math.min(10, times.length - start)) },
        (_, index) => start + index,
      );
      if (events !== undefined) expect(events.map(({ sequence }) => sequence)).toEqual(expected);
      else for (const sequence of expected) expect(store.has(eventKey(1, sequence).toString('hex'))).toBe(true);
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
    fc.nat(8).map((count) => ['append', count] as const),
    fc.integer({ min: -20, max: 60 }).map((ms) => ['clock', ms] as const),
    fc.nat(30).map((sequence) => ['truncate', sequence] as const),
    fc.nat(40).map((from) => ['read', from] as const),
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
    const log = createPartitionLog(1, EMPTY_LOG);
    log.append(Buffer.alloc(1), 5);
    expect(log.readRecent(0, 10)).toEqual([]);
    expect(log.facts().lastSequence).toBe(-1);
  });
});
