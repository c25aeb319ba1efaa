import { EXPIRY_BLOCK, type QueueState } from '../entities/index.js';
import { storedFields, storedSessionId } from '../message/index.js';
import {
  deferredEnd,
  deferredKey,
  expiryEnd,
  expiryKey,
  messageEnd,
  messageKey,
  scheduledDueKey,
  scheduledDueOf,
  scheduledEnd,
  scheduledKey,
  scheduledSequenceOf,
  scheduleStateKey,
  sequenceOfKey,
  storeStateKey,
} from '../store/keys.js';
import { encodeSessionRow, sequenceOfSessionKey, sessionMessageKey, sessionRange } from '../store/session-keys.js';
import type { Entry, Range, Store, Write } from '../store/types.js';
import { lastIdWrite, readDefinitions, readLastId } from './definitions.js';
import { idsOf } from './records.js';
import {
  decodeQueueState,
  decodeScheduleState,
  encodeQueueState,
  encodeScheduleState,
  queueAccessedAtMs,
  topicAccessedAtMs,
} from './states.js';

/**
 * How far numbers go ahead: what counted them may itself be lost, and none may be given twice. Nobody else notices, for
 * numbers rise and need not follow on each other.
 */
const NUMBERS_AHEAD = 1_000_000;
const READ_ROWS = 1000;
const READ_BYTES = 4 * 1024 * 1024;
const WRITTEN_AT_ONCE = 1000;
const SEQUENCE_END = 2 ** 53 - 1;

/**
 * Makes counters and indexes agree with the messages that are there, after some were lost with the files that held them.
 * The namespace must not be open. Indexes go with what they name: a message that lost its place in one gets it back.
 */
export async function recountStores(store: Store): Promise<void> {
  const records = await readDefinitions(store);
  const work = createRecount(store);
  let lastId = await readLastId(store);
  for (const record of records) {
    lastId = Math.max(lastId, ...idsOf(record));
    if (record.kind === 'queue' || record.kind === 'subscription') {
      const scheduled = record.kind === 'queue' ? await work.schedule(record.storeId) : 0;
      await work.queue(record.storeId, { bySession: record.definition.requiresSession, above: scheduled });
      for (const id of [record.deadLettersId, record.transferDeadLettersId]) {
        await work.queue(id, { bySession: false, above: 0 });
      }
    }
    if (record.kind === 'topic') await work.schedule(record.historyId);
  }
  await store.commit([lastIdWrite(lastId)]);
}

interface QueueRecount {
  readonly bySession: boolean;
  /** Numbers up to this are given, to messages that are scheduled. */
  readonly above: number;
}

function createRecount(store: Store) {
  async function* rows({ from, to }: Pick<Range, 'from' | 'to'>): AsyncGenerator<Entry> {
    for (let next = from; ; ) {
      const found = await store.range({ from: next, to, limit: READ_ROWS, maxBytes: READ_BYTES });
      yield* found;
      const last = found.at(-1);
      if (last === undefined) return;
      next = Buffer.concat([last.key, Buffer.of(0)]);
    }
  }

  async function commitAll(writes: readonly Write[]): Promise<void> {
    for (let at = 0; at < writes.length; at += WRITTEN_AT_ONCE) {
      await store.commit(writes.slice(at, at + WRITTEN_AT_ONCE));
    }
  }

  const messagesOf = {
    message: (id: number) => ({ from: messageKey(id, 0), to: messageEnd(id) }),
    deferred: (id: number) => ({ from: deferredKey(id, 0), to: deferredEnd(id) }),
    scheduled: (id: number) => ({ from: scheduledKey(id, 0), to: scheduledEnd(id) }),
  };
  const keyOf = { message: messageKey, deferred: deferredKey, scheduled: scheduledKey };

  /** Places in sessions: one for each message, and none without. */
  async function indexSessions(id: number, kind: keyof typeof messagesOf): Promise<void> {
    const writes: Write[] = [];
    for await (const { key } of rows(sessionRange(kind, id))) {
      const [message] = await store.getMany([keyOf[kind](id, sequenceOfSessionKey(key))]);
      if (message === undefined) writes.push({ key });
    }
    for await (const { key, value } of rows(messagesOf[kind](id))) {
      const sessionId = storedSessionId(value);
      if (sessionId === undefined) continue;
      const place = sessionMessageKey(kind, id, sessionId, sequenceOfKey(key));
      writes.push({ key: place, value: encodeSessionRow({ sizeBytes: value.length, ...storedFields(value) }) });
    }
    await commitAll(writes);
  }

  async function queue(id: number, { bySession, above }: QueueRecount): Promise<void> {
    const row = await store.get(storeStateKey(id));
    const before = decodeQueueState(row);
    let [count, bytes, deferredCount, last] = [0, 0, 0, Math.max(above, before.nextSequence - 1)];
    let firstSequence: number | undefined;
    const expiries = new Map<number, number>();
    for await (const { key, value } of rows(messagesOf.message(id))) {
      const sequence = sequenceOfKey(key);
      const { expiresAtMs } = storedFields(value);
      const block = Math.floor(sequence / EXPIRY_BLOCK);
      if (expiresAtMs < Number.POSITIVE_INFINITY) {
        expiries.set(block, Math.min(expiries.get(block) ?? expiresAtMs, expiresAtMs));
      }
      firstSequence ??= sequence;
      count++;
      bytes += value.length;
      last = Math.max(last, sequence);
    }
    for await (const { key, value } of rows(messagesOf.deferred(id))) {
      deferredCount++;
      bytes += value.length;
      last = Math.max(last, sequenceOfKey(key));
    }
    const nextSequence = last + NUMBERS_AHEAD;
    const state: QueueState = {
      ...before,
      nextSequence,
      firstSequence: firstSequence ?? nextSequence,
      count,
      bytes,
      deferredCount,
    };
    const writes: Write[] = [{ key: storeStateKey(id), value: encodeQueueState(state, queueAccessedAtMs(row)) }];
    for await (const { key } of rows({ from: expiryKey(id, 0), to: expiryEnd(id) })) writes.push({ key });
    for (const [block, expiresAtMs] of expiries) {
      const value = Buffer.allocUnsafe(8);
      value.writeDoubleBE(expiresAtMs, 0);
      writes.push({ key: expiryKey(id, block), value });
    }
    await commitAll(writes);
    if (!bySession) return;
    for (const kind of ['message', 'deferred', 'scheduled'] as const) await indexSessions(id, kind);
  }

  /** Answers the last number that a scheduled message has. */
  async function schedule(id: number): Promise<number> {
    const row = await store.get(scheduleStateKey(id));
    const before = decodeScheduleState(row);
    const writes: Write[] = [];
    let [count, bytes, last] = [0, 0, 0];
    for await (const { key } of rows({ from: scheduledDueKey(id, 0, 0), to: scheduledDueKey(id, SEQUENCE_END, 0) })) {
      const [message] = await store.getMany([scheduledKey(id, scheduledSequenceOf(key))]);
      if (message === undefined || storedFields(message).enqueuedAtMs !== scheduledDueOf(key)) writes.push({ key });
    }
    for await (const { key, value } of rows(messagesOf.scheduled(id))) {
      const sizeBytes = Buffer.allocUnsafe(4);
      sizeBytes.writeUInt32BE(value.length, 0);
      last = sequenceOfKey(key);
      writes.push({ key: scheduledDueKey(id, storedFields(value).enqueuedAtMs, last), value: sizeBytes });
      count++;
      bytes += value.length;
    }
    const nextSequence = Math.max(before.nextSequence, last + 1) + NUMBERS_AHEAD;
    const state = encodeScheduleState({ count, bytes, nextSequence }, topicAccessedAtMs(row));
    await commitAll([...writes, { key: scheduleStateKey(id), value: state }]);
    return last;
  }

  return { queue, schedule };
}
