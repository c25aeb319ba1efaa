import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SessionFold } from '../../../src/aggregators/windows/session-folds.js';
import { createSessions, type SessionsOptions } from '../../../src/aggregators/windows/sessions.js';
import { keyOf } from '../driver.js';

const GAP = 30;
const options: SessionsOptions = { gapMs: GAP, maxKeys: 1_000 };

/** Counts sessions by start, and adds up what was seen in each: the sum makes a lost or doubled event show. */
function createFigures(id = 'sum') {
  const counts = new Map<string, number>();
  const fold: SessionFold<number> = {
    id,
    aggregate: {
      create: () => 0,
      add: (state, input) => (state as number) + input,
      merge: (a, b) => (a as number) + (b as number),
      encode: Number,
      decode: Number,
    },
    emit: ({ state }, count) => count(`sum ${state}`, 1),
    count({ startMs, name, by }) {
      const key = `${startMs} ${name}`;
      const value = (counts.get(key) ?? 0) + by;
      if (value === 0) counts.delete(key);
      else counts.set(key, value);
    },
  };
  return { counts, folds: [fold] };
}

interface Hit {
  readonly key: string;
  readonly timeMs: number;
  readonly value: number;
}

/** The sessions of all hits at once, by sorting them. */
function batch(hits: readonly Hit[]): Map<string, number> {
  const counts = new Map<string, number>();
  const open = new Map<string, { startMs: number; lastMs: number; sum: number }>();
  const close = ({ startMs, sum }: { startMs: number; sum: number }) => {
    const key = `${startMs} sum ${sum}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  for (const { key, timeMs, value } of [...hits].sort((a, b) => a.timeMs - b.timeMs)) {
    const session = open.get(key);
    if (session !== undefined && timeMs - session.lastMs <= GAP) {
      session.lastMs = timeMs;
      session.sum += value;
      continue;
    }
    if (session !== undefined) close(session);
    open.set(key, { startMs: timeMs, lastMs: timeMs, sum: value });
  }
  for (const session of open.values()) close(session);
  return counts;
}

const hitArbitrary = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  timeMs: fc.integer({ min: 0, max: 600 }),
  value: fc.integer({ min: 1, max: 100 }),
});

test('in whatever order the events of a key come, its sessions are those of all events sorted by time', () => {
  fc.assert(
    fc.property(fc.array(hitArbitrary, { maxLength: 40 }), fc.nat(40), (hits, saveAt) => {
      const { counts, folds } = createFigures();
      let sessions = createSessions(options, folds);
      for (const [index, { key, timeMs, value }] of hits.entries()) {
        // Saved and restored at any point it goes on as if nothing had been.
        if (index === saveAt) sessions = createSessions(options, folds, sessions.save());
        sessions.observe(keyOf(key), timeMs, value);
      }
      expect(counts).toEqual(batch(hits));
    }),
    { numRuns: 1_000 },
  );
});

test('however many keys there are, each has sessions of its own', () => {
  const { counts, folds } = createFigures();
  let sessions = createSessions(options, folds);
  const hits: Hit[] = [];
  for (let index = 0; index < 1_000; index++) {
    // Each comes again in its session, when there is room for more than at first.
    for (const key of [index, Math.max(0, index - GAP)])
      hits.push({ key: `key ${key}`, timeMs: index, value: 1 + (index % 7) });
  }
  for (const [index, { key, timeMs, value }] of hits.entries()) {
    if (index === 1_500) sessions = createSessions(options, folds, sessions.save());
    sessions.observe(keyOf(key), timeMs, value);
  }
  expect(counts).toEqual(batch(hits));
});

test('an event exactly the gap later belongs to the session; one later still begins another', () => {
  const { counts, folds } = createFigures();
  const sessions = createSessions(options, folds);
  for (const timeMs of [0, GAP, 2 * GAP + 1]) expect(sessions.observe(keyOf('a'), timeMs, 1)).toBe('counted');
  expect(counts).toEqual(
    new Map([
      ['0 sum 2', 1],
      [`${2 * GAP + 1} sum 1`, 1],
    ]),
  );
});

test('an event between two sessions makes them one, and says that a figure was revised', () => {
  const { counts, folds } = createFigures();
  const sessions = createSessions(options, folds);
  sessions.observe(keyOf('a'), 0, 1);
  sessions.observe(keyOf('a'), 2 * GAP, 2);
  expect(counts.size).toBe(2);
  expect(sessions.observe(keyOf('a'), GAP, 4)).toBe('revised');
  expect(counts).toEqual(new Map([['0 sum 7', 1]]));
});

const STEP = 10 * 60_000;

test('a session leaves when no accepted event can reach it any more, and not before', () => {
  const { counts, folds } = createFigures();
  const sessions = createSessions({ gapMs: STEP, maxKeys: 10 }, folds);
  sessions.observe(keyOf('a'), 0, 1);
  sessions.evict(STEP);
  expect(sessions.size).toBe(1);
  sessions.observe(keyOf('a'), STEP, 2);
  expect(counts).toEqual(new Map([['0 sum 3', 1]]));
  sessions.evict(2 * STEP + 1);
  expect([sessions.size, sessions.oldestStartMs]).toEqual([1, 0]);
  sessions.evict(3 * STEP);
  expect([sessions.size, sessions.oldestStartMs]).toEqual([0, Number.POSITIVE_INFINITY]);
  expect(counts).toEqual(new Map([['0 sum 3', 1]]));
});

test('no more keys are kept than allowed, and a key that is left out is said to be', () => {
  const { counts, folds } = createFigures();
  const sessions = createSessions({ gapMs: GAP, maxKeys: 2 }, folds);
  expect(['a', 'b', 'c', 'a'].map((key) => sessions.observe(keyOf(key), 0, 1))).toEqual([
    'counted',
    'counted',
    'full',
    'counted',
  ]);
  expect(counts).toEqual(
    new Map([
      ['0 sum 2', 1],
      ['0 sum 1', 1],
    ]),
  );
  sessions.evict(STEP);
  expect(sessions.observe(keyOf('c'), STEP, 1)).toBe('counted');
});

test('to a fold of another definition the sessions that go on are new; the old states are not taken over', () => {
  const first = createFigures('v1');
  const before = createSessions(options, first.folds);
  before.observe(keyOf('a'), 0, 5);
  const second = createFigures('v2');
  const after = createSessions(options, second.folds, before.save());
  expect(second.counts).toEqual(new Map([['0 sum 0', 1]]));
  after.observe(keyOf('a'), 1, 2);
  expect(second.counts).toEqual(new Map([['0 sum 2', 1]]));
});

test('what comes after a save is not in it', () => {
  const { folds } = createFigures();
  const sessions = createSessions(options, folds);
  for (let key = 0; key < 20; key++) sessions.observe(keyOf(`k${key}`), 100, 1);
  const save = sessions.save();
  for (let key = 0; key < 20; key++) {
    sessions.observe(keyOf(`k${key}`), 100 + GAP, 1);
    sessions.observe(keyOf(`k${key}`), 5_000, 1);
  }
  const restored = createFigures();
  const after = createSessions(options, restored.folds, save);
  expect(after.observe(keyOf('k7'), 100 + GAP + 1, 1)).toBe('counted');
  // In the save the session ends with its first event.
  expect(restored.counts).toEqual(new Map([[`${100 + GAP + 1} sum 1`, 1]]));
});
