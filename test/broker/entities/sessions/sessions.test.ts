import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createSessions,
  EMPTY_QUEUE,
  type QueueEntry,
  type SessionHold,
} from '../../../../src/broker/entities/index.js';

/** So small that most sessions and messages wait in the store. */
const bounds = { messages: 2, recordBytes: 25, offered: 3 };
const PAGE = 2;
const RECORD = Buffer.alloc(10);

/** Sessions, and the store that they believe in. */
function createDriver() {
  const sessions = createSessions(EMPTY_QUEUE, bounds);
  /** Numbers of the messages that are there, by session. */
  const stored = new Map<string, number[]>();
  const taken = new Map<string, number[]>();
  const holds = new Map<string, SessionHold>();
  let nextSequence = 1;
  let served: string[] = [];

  const entry = (sequence: number, sessionId: string): QueueEntry => ({
    sequence,
    sizeBytes: RECORD.length,
    expiresAtMs: Number.POSITIVE_INFINITY,
    state: 'active',
    deliveryCount: 0,
    record: RECORD,
    sessionId,
  });
  const has = (sessionId: string) => (stored.get(sessionId)?.length ?? 0) > 0;

  function load(hold: SessionHold): void {
    for (;;) {
      const wanted = hold.lane.available() > 0 ? undefined : hold.lane.wanted(sessions.publishedUpTo());
      if (wanted === undefined) return;
      const { fromSequence, toSequence, limit } = wanted;
      const all = (stored.get(hold.sessionId) ?? []).filter((one) => one >= fromSequence && one < toSequence);
      const entries = all.slice(0, limit).map((sequence) => entry(sequence, hold.sessionId));
      hold.lane.loaded(wanted, entries, entries.length < limit);
    }
  }

  return {
    holds,
    stored,
    served: () => served,
    put(sessionId: string) {
      const sequence = nextSequence++;
      stored.set(sessionId, [...(stored.get(sessionId) ?? []), sequence]);
      sessions.publish(entry(sequence, sessionId));
    },
    /** Takes the next session that is offered; undefined when there is none. */
    next(): string | undefined {
      for (;;) {
        const next = sessions.nextOffered();
        if (next === undefined) return undefined;
        if (typeof next !== 'string') {
          const { after, belowSequence } = next;
          const rest = [...stored.keys()].filter((id) => has(id) && (after === undefined || id > after)).sort();
          const page = rest.slice(0, PAGE);
          const sessionIds = page.filter((id) => (stored.get(id)?.[0] ?? 0) < belowSequence);
          sessions.found({ sessionIds, last: rest.length > PAGE ? page.at(-1) : undefined });
          continue;
        }
        const hold = sessions.hold(next, 1);
        expect(hold).toBeDefined();
        if (hold === undefined) continue;
        load(hold);
        if (hold.lane.available() === 0) {
          sessions.release(hold);
          continue;
        }
        holds.set(next, hold);
        served.push(next);
        return next;
      }
    },
    take(sessionId: string, complete: boolean) {
      const hold = holds.get(sessionId);
      if (hold === undefined) return;
      load(hold);
      const out = taken.get(sessionId) ?? [];
      const expected = stored.get(sessionId)?.find((sequence) => !out.includes(sequence));
      const next = hold.lane.next();
      expect(next?.sequence).toBe(expected);
      if (next === undefined) return;
      if (!complete) taken.set(sessionId, [...out, next.sequence]);
      else {
        stored.set(
          sessionId,
          (stored.get(sessionId) ?? []).filter((sequence) => sequence !== next.sequence),
        );
      }
    },
    release(sessionId: string) {
      const hold = holds.get(sessionId);
      if (hold === undefined) return;
      for (const sequence of taken.get(sessionId) ?? []) sessions.putBack(entry(sequence, sessionId));
      taken.delete(sessionId);
      holds.delete(sessionId);
      sessions.release(hold);
    },
    free: () => [...stored.keys()].filter((id) => has(id) && !holds.has(id)),
    resetServed() {
      served = [];
    },
  };
}

type Driver = ReturnType<typeof createDriver>;
const id = fc.integer({ min: 10, max: 24 }).map(String);
const step: fc.Arbitrary<(driver: Driver) => unknown> = fc.oneof(
  { weight: 5, arbitrary: id.map((one) => (d: Driver) => d.put(one)) },
  {
    weight: 3,
    arbitrary: fc.constant((d: Driver) => {
      const free = d.free();
      const next = d.next();
      if (next === undefined) expect(free).toEqual([]);
      else expect(free).toContain(next);
    }),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(id, fc.boolean()).map(
      ([one, done]) =>
        (d: Driver) =>
          d.take(one, done),
    ),
  },
  { weight: 3, arbitrary: id.map((one) => (d: Driver) => d.release(one)) },
);

describe('the sessions of a queue', () => {
  it('hand out every session with messages once, and its messages in order, however many wait in the store', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const driver = createDriver();
        for (const act of steps) act(driver);
        // In the end everything is found.
        for (const sessionId of [...driver.holds.keys()]) driver.release(sessionId);
        const free = driver.free();
        for (let count = 0; count < free.length; count++) driver.next();
        expect([...driver.holds.keys()].sort()).toEqual(free.sort());
        expect(driver.next()).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it('pass over no session for ever while others come back at once and new ones go before them', () => {
    const driver = createDriver();
    const old = Array.from({ length: 40 }, (_, index) => String(100 + index));
    for (const sessionId of old) driver.put(sessionId);
    for (let round = 0; round < 200; round++) {
      // New sessions whose keys lie before and behind all others.
      driver.put(`0${round}`);
      driver.put(`9${round}`);
      const sessionId = driver.next() as string;
      driver.release(sessionId);
    }
    const served = new Set(driver.served());
    expect(old.filter((sessionId) => !served.has(sessionId))).toEqual([]);
  });

  it('are offered in the order in which they got messages while few wait', () => {
    const driver = createDriver();
    for (const sessionId of ['z', 'a', 'z']) driver.put(sessionId);
    driver.put('m');
    expect([driver.next(), driver.next(), driver.next(), driver.next()]).toEqual(['z', 'a', 'm', undefined]);
  });
});
