import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createQueue, EMPTY_QUEUE, type QueueEntry, type Settlement } from '../../../../src/broker/entities/index.js';
import type { Write } from '../../../../src/broker/store/index.js';
import { changeKey, deferredKey, messageKey } from '../../../../src/broker/store/keys.js';

const LOCK_MS = 1000;
const MAX_DELIVERIES = 3;
const NEVER = Number.POSITIVE_INFINITY;
const limits = () => ({ lockDurationMs: LOCK_MS, maxDeliveryCount: MAX_DELIVERIES });
/** So small that most messages wait in the store. */
const window = { messages: 4, bytes: 100, removalsPerRecount: 2 };

/** What a queue promises, written down without any regard to cost. */
interface Expected {
  readonly sequence: number;
  deferred: boolean;
  deliveryCount: number;
  /** What counts after the end of the broker: with the last batch, also of deliveries that were under way then. */
  durableCount: number;
  lock: { token: string; untilMs: number } | undefined;
}

const entryOf = (sequence: number, record: Buffer): QueueEntry => ({
  sequence,
  sizeBytes: record.length,
  expiresAtMs: NEVER,
  state: 'active',
  deliveryCount: 0,
  record,
});

/** A queue, the store it believes in, and the plain list that it has to agree with. */
function createDriver() {
  const store = new Map<string, Buffer>();
  let queue = createQueue(1, limits, EMPTY_QUEUE, { bounds: window });
  let state = EMPTY_QUEUE;
  let expected: Expected[] = [];
  /** On their way to the dead-letter queue. */
  let leaving: QueueEntry[] = [];
  let nowMs = 0;
  let tokens = 0;

  function commit(writes: readonly Write[]): void {
    for (const { key, value } of [...writes, ...queue.takeExtras()]) {
      if (value === undefined) store.delete(key.toString('hex'));
      else store.set(key.toString('hex'), value);
    }
    state = queue.changedState() ?? state;
    for (const one of expected) one.durableCount = one.deliveryCount + (one.lock === undefined ? 0 : 1);
  }

  function load(): void {
    for (let wanted = queue.wanted(); wanted !== undefined; wanted = queue.wanted()) {
      const entries: QueueEntry[] = [];
      for (let sequence = wanted.fromSequence; sequence < wanted.toSequence; sequence++) {
        const record = store.get(messageKey(1, sequence).toString('hex'));
        if (record === undefined || entries.length >= wanted.limit) continue;
        const storedCount = recordOf(changeKey(1, sequence))?.readUInt32BE(0);
        const deliveryCount = storedCount ?? queue.deliveriesBefore(sequence);
        entries.push({ ...entryOf(sequence, record), deliveryCount, storedCount });
      }
      queue.loaded(wanted, entries, entries.length === 0);
    }
  }

  const locked = () => expected.filter(({ lock }) => lock !== undefined);
  const free = () => expected.filter(({ lock, deferred }) => lock === undefined && !deferred);
  const deferred = () => expected.filter((one) => one.deferred);
  const recordOf = (key: Buffer) => store.get(key.toString('hex'));
  const pick = (index: number) => locked()[index % Math.max(1, locked().length)];
  const remove = (one: Expected) => {
    expected = expected.filter((other) => other !== one);
  };

  /** Applies what the queue says of a settlement, and what it has to say. */
  function settled(settlement: Settlement, one: Expected | undefined, kind: Settlement['kind']): void {
    expect(settlement.kind).toBe(kind);
    if (settlement.kind === 'lock-lost') return;
    expect(settlement.entry.sequence).toBe(one?.sequence);
    if (settlement.kind === 'dead-letter') {
      leaving.push(settlement.entry);
      return;
    }
    commit(settlement.writes);
    queue.committed(settlement.entry);
  }

  function cameBack(one: Expected): Settlement['kind'] {
    one.lock = undefined;
    if (++one.deliveryCount < MAX_DELIVERIES) return 'done';
    remove(one);
    return 'dead-letter';
  }

  return {
    put(bytes: number) {
      const sequence = queue.peekSequence();
      const record = Buffer.alloc(bytes);
      commit([queue.put(record, NEVER)]);
      queue.publish(entryOf(sequence, record));
      expected.push({ sequence, deferred: false, deliveryCount: 0, durableCount: 0, lock: undefined });
    },
    take() {
      load();
      const taken = queue.take(nowMs, () => `t${tokens++}`);
      const first = free()[0];
      // It was delivered as often as may be when the broker ended.
      if (first !== undefined && first.deliveryCount >= MAX_DELIVERIES) {
        expect(taken).toMatchObject({ exceeded: { sequence: first.sequence } });
        remove(first);
        if (taken && 'exceeded' in taken) leaving.push(taken.exceeded);
        return;
      }
      expect(taken && 'entry' in taken ? [taken.entry.sequence, taken.entry.deliveryCount] : undefined).toEqual(
        first && [first.sequence, first.deliveryCount],
      );
      if (taken === undefined || !('entry' in taken) || first === undefined) return;
      expect(taken.lockedUntilMs).toBe(nowMs + LOCK_MS);
      first.lock = { token: taken.lockToken, untilMs: taken.lockedUntilMs };
    },
    complete(index: number) {
      const one = pick(index);
      if (one) remove(one);
      settled(queue.complete(one?.lock?.token ?? 'none', nowMs), one, one ? 'done' : 'lock-lost');
    },
    abandon(index: number) {
      const one = pick(index);
      const token = one?.lock?.token ?? 'none';
      settled(queue.abandon(token, nowMs), one, one ? cameBack(one) : 'lock-lost');
    },
    /** Gives back what its receiver has changed: it has another size from now on. */
    abandonChanged(index: number) {
      const one = pick(index);
      const token = one?.lock?.token ?? 'none';
      settled(queue.abandon(token, nowMs, Buffer.alloc(index + 1)), one, one ? cameBack(one) : 'lock-lost');
    },
    defer(index: number) {
      const one = pick(index);
      const token = one?.lock?.token ?? 'none';
      settled(queue.defer(token, nowMs, Buffer.alloc(index + 1)), one, one ? 'done' : 'lock-lost');
      if (one) Object.assign(one, { deferred: true, lock: undefined, deliveryCount: one.deliveryCount + 1 });
    },
    /** Asks for a deferred message by its number; nobody else can have it meanwhile. */
    receiveDeferred(index: number) {
      const one = deferred()[index % Math.max(1, deferred().length)];
      if (one === undefined) return;
      const { sequence } = one;
      expect(queue.claimDeferred([sequence])).toBe(one.lock === undefined);
      expect(queue.claimDeferred([sequence])).toBe(false);
      if (one.lock !== undefined) return;
      const record = recordOf(deferredKey(1, sequence));
      const storedCount = recordOf(changeKey(1, sequence))?.readUInt32BE(0);
      expect(storedCount).toBe(one.deliveryCount);
      const own = { deliveryCount: one.deliveryCount, storedCount };
      const entry: QueueEntry = { ...entryOf(sequence, record as Buffer), ...own, state: 'deferred' };
      const { lockToken, lockedUntilMs } = queue.lockDeferred(entry, nowMs, () => `t${tokens++}`);
      one.lock = { token: lockToken, untilMs: lockedUntilMs };
    },
    deadLetter(index: number) {
      const one = pick(index);
      if (one) remove(one);
      settled(queue.deadLetter(one?.lock?.token ?? 'none', nowMs), one, one ? 'dead-letter' : 'lock-lost');
    },
    giveBack(index: number) {
      const one = pick(index);
      const entry = queue.giveBack(one?.lock?.token ?? 'none');
      expect(entry?.sequence).toBe(one?.sequence);
      if (one === undefined || entry === undefined) return;
      one.lock = undefined;
      if (!one.deferred) return;
      commit([]);
      queue.letGo(entry.sequence);
    },
    renew(index: number) {
      const one = pick(index);
      expect(queue.renew(one?.lock?.token ?? 'none', nowMs)).toBe(one && nowMs + LOCK_MS);
      if (one?.lock) one.lock.untilMs = nowMs + LOCK_MS;
    },
    advance(ms: number) {
      nowMs += ms;
      const ended = locked()
        .filter(({ lock }) => (lock?.untilMs ?? 0) <= nowMs)
        .sort((a, b) => a.sequence - b.sequence);
      const stale = ended.map(({ lock }) => lock?.token ?? '');
      const settlements = queue.expireLocks(nowMs);
      expect(
        settlements.flatMap((one) => (one.kind === 'lock-lost' ? [] : [one.entry.sequence])).sort((a, b) => a - b),
      ).toEqual(ended.map(({ sequence }) => sequence));
      for (const settlement of settlements) {
        const one = ended.find(
          ({ sequence }) => settlement.kind !== 'lock-lost' && settlement.entry.sequence === sequence,
        );
        settled(settlement, one, cameBack(one as Expected));
      }
      for (const token of stale) expect(queue.complete(token, nowMs).kind).toBe('lock-lost');
    },
    /** A batch of somebody else. */
    batch: () => commit([]),
    /** Everything in memory is lost: locks too, but no message, no number and no delivery that a batch took along. */
    restart() {
      queue = createQueue(1, limits, state, { bounds: window });
      for (const one of expected) {
        const known = recordOf(changeKey(1, one.sequence))?.readUInt32BE(0);
        const deliveryCount = known ?? (one.deferred ? 0 : queue.deliveriesBefore(one.sequence));
        expect([one.sequence, deliveryCount]).toEqual([one.sequence, one.durableCount]);
        Object.assign(one, { lock: undefined, deliveryCount });
      }
      // What had not left yet is there again, as it was last written.
      for (const { sequence, state: place } of leaving) {
        const known = recordOf(changeKey(1, sequence))?.readUInt32BE(0);
        const deliveryCount = known ?? (place === 'deferred' ? 0 : queue.deliveriesBefore(sequence));
        const counts = { deliveryCount, durableCount: deliveryCount };
        expected.push({ sequence, deferred: place === 'deferred', ...counts, lock: undefined });
      }
      expected.sort((a, b) => a.sequence - b.sequence);
      leaving = [];
    },
    leave() {
      for (const entry of leaving) {
        commit(queue.discard(entry));
        queue.committed(entry);
      }
      leaving = [];
    },
    check() {
      const there = [...expected, ...leaving.map(({ state: place }) => ({ deferred: place === 'deferred' }))];
      const deferredCount = there.filter((one) => one.deferred).length;
      const records = [...store].filter(([key]) => key.startsWith('11') || key.startsWith('14'));
      expect(queue.state()).toMatchObject({ count: there.length - deferredCount, deferredCount });
      expect(records.length).toBe(there.length);
      expect(records.filter(([key]) => key.startsWith('14')).length).toBe(deferredCount);
      const sequences = new Set(records.map(([key]) => key.slice(-16)));
      for (const key of store.keys()) if (key.startsWith('12')) expect(sequences).toContain(key.slice(-16));
      expect(queue.state().bytes).toBe(records.reduce((sum, [, value]) => sum + value.length, 0));
    },
    drain() {
      const rest = free().map(({ sequence }) => sequence);
      for (const sequence of rest) {
        load();
        const taken = queue.take(nowMs, () => `t${tokens++}`);
        const entry = taken && ('exceeded' in taken ? taken.exceeded : 'entry' in taken ? taken.entry : undefined);
        expect(entry?.sequence).toBe(sequence);
      }
      load();
      expect(queue.take(nowMs, () => 'x')).toBeUndefined();
    },
  };
}

type Driver = ReturnType<typeof createDriver>;
const step = (name: keyof Driver, argument: fc.Arbitrary<number>) => argument.map((value) => [name, value] as const);

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: step('put', fc.integer({ min: 1, max: 60 })) },
    { weight: 6, arbitrary: step('take', fc.constant(0)) },
    { weight: 3, arbitrary: step('complete', fc.nat(20)) },
    { weight: 3, arbitrary: step('abandon', fc.nat(20)) },
    { weight: 1, arbitrary: step('abandonChanged', fc.nat(20)) },
    { weight: 2, arbitrary: step('defer', fc.nat(20)) },
    { weight: 3, arbitrary: step('receiveDeferred', fc.nat(20)) },
    { weight: 1, arbitrary: step('deadLetter', fc.nat(20)) },
    { weight: 1, arbitrary: step('giveBack', fc.nat(20)) },
    { weight: 1, arbitrary: step('renew', fc.nat(20)) },
    { weight: 1, arbitrary: step('advance', fc.integer({ min: 1, max: 1500 })) },
    { weight: 1, arbitrary: step('batch', fc.constant(0)) },
    { weight: 1, arbitrary: step('restart', fc.constant(0)) },
    { weight: 1, arbitrary: step('leave', fc.constant(0)) },
  ),
  { maxLength: 120, size: 'max' },
);

describe('a queue', () => {
  it('delivers in order, once at a time, and loses nothing, whatever happens to it', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const driver = createDriver();
        for (const [name, value] of sequence) {
          driver[name](value);
          driver.check();
        }
        driver.drain();
      }),
      { numRuns: 400 },
    );
  });

  it('answers a message whose time to live is over as expired and never delivers it', () => {
    const queue = createQueue(1, limits, EMPTY_QUEUE);
    queue.put(Buffer.alloc(1), NEVER);
    queue.publish({ ...entryOf(1, Buffer.alloc(1)), expiresAtMs: 50 });
    expect(queue.take(50, () => 't')).toMatchObject({ expired: { sequence: 1 } });
    expect(queue.take(50, () => 't')).toBeUndefined();
  });

  it('does not deliver what is not durable yet', () => {
    const queue = createQueue(1, limits, EMPTY_QUEUE);
    queue.put(Buffer.alloc(1), NEVER);
    expect(queue.take(0, () => 't')).toBeUndefined();
    expect(queue.wanted()).toBeUndefined();
    queue.publish(entryOf(1, Buffer.alloc(1)));
    expect(queue.take(0, () => 't')).toMatchObject({ entry: { sequence: 1 } });
  });

  it('begins to read near its oldest message after a restart', () => {
    const queue = createQueue(1, limits, EMPTY_QUEUE);
    for (let sequence = 1; sequence <= 5000; sequence++) {
      queue.put(Buffer.alloc(1), NEVER);
      queue.publish(entryOf(sequence, Buffer.alloc(1)));
      queue.take(0, () => `t${sequence}`);
    }
    for (let sequence = 1; sequence <= 4990; sequence++) queue.complete(`t${sequence}`, 0);
    expect(queue.state()).toMatchObject({ nextSequence: 5001, count: 10 });
    expect(queue.state().firstSequence).toBeGreaterThan(3900);
  });
});
