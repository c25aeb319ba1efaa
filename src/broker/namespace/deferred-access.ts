import type { Clock } from '../../shared/clock.js';
import type { Queue, QueueEntry } from '../entities/index.js';
import { encodeDelivery, storedFields, storedSessionId } from '../message/index.js';
import { changeKey, deferredKey } from '../store/keys.js';
import type { Store } from '../store/types.js';
import type { QueueConsumer, QueueDelivery } from './consumers.js';

export interface DeferredAccessDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly queue: Queue;
  readonly newToken: () => string;
  /** Removes a message whose time to live is over, or dead-letters it. */
  readonly expire: (entry: QueueEntry) => Promise<void>;
}

/** Of which session they have to be, and under whose lock they come. */
interface Session {
  readonly sessionId: string;
  readonly lockedUntilMs: number;
}

/**
 * Receives deferred messages by their numbers: all of them, or undefined when one is not there or somebody has it in
 * hand. `too-large` when they are more than one answer holds: then nothing has happened to them. A deferred message expires no sooner than somebody asks for it (Azure, message deferral).
 */
export type ReceiveDeferred = (
  sequences: readonly number[],
  mode: QueueConsumer['mode'],
  session?: Session,
) => Promise<QueueDelivery[] | 'too-large' | undefined>;

/** Of the messages of one answer together; one alone may have any size. */
export const MAX_DEFERRED_BYTES = 8 * 1024 * 1024;
const READ_AT_ONCE = 8;

export function createDeferredAccess(deps: DeferredAccessDeps): ReceiveDeferred {
  const { store, clock, queue, newToken, expire } = deps;

  /** A few at a time, so that no more is read than may be answered; undefined when it would be more. */
  async function readRecords(sequences: readonly number[]): Promise<(Buffer | undefined)[] | undefined> {
    const records: (Buffer | undefined)[] = [];
    let bytes = 0;
    for (let at = 0; at < sequences.length; at += READ_AT_ONCE) {
      const keys = sequences.slice(at, at + READ_AT_ONCE).map((sequence) => deferredKey(queue.id, sequence));
      for (const record of await store.getMany(keys)) {
        bytes += record?.length ?? 0;
        records.push(record);
      }
      if (bytes > MAX_DEFERRED_BYTES && sequences.length > 1) return undefined;
    }
    return records;
  }

  async function read(sequences: readonly number[], session: Session | undefined) {
    const records = await readRecords(sequences);
    if (records === undefined) return undefined;
    const counts = await store.getMany(sequences.map((sequence) => changeKey(queue.id, sequence)));
    return sequences.map((sequence, index): QueueEntry | undefined => {
      const record = records[index];
      if (record === undefined || (session && storedSessionId(record) !== session.sessionId)) return undefined;
      return {
        sequence,
        sizeBytes: record.length,
        expiresAtMs: storedFields(record).expiresAtMs,
        state: 'deferred',
        deliveryCount: counts[index]?.readUInt32BE(0) ?? 0,
        storedCount: counts[index]?.readUInt32BE(0),
        record,
        ...(session && { sessionId: session.sessionId }),
      };
    });
  }

  async function leave(entry: QueueEntry): Promise<void> {
    queue.takeDeferred(entry);
    await expire(entry);
  }

  function lock(entry: QueueEntry, nowMs: number, session: Session | undefined): QueueDelivery {
    const { lockToken, record, ...own } = queue.lockDeferred(entry, nowMs, newToken);
    const { lockedUntilMs } = session ?? own;
    const { sequence, deliveryCount, state } = entry;
    entry.record = undefined;
    return {
      lockToken,
      payload: encodeDelivery(record as Buffer, { sequence, deliveryCount, lockedUntilMs, state }),
    };
  }

  async function takeAway(entries: readonly QueueEntry[]): Promise<QueueDelivery[]> {
    for (const entry of entries) queue.takeDeferred(entry);
    // Gone before it is sent, so that a crash never delivers it twice.
    await store.commit(entries.flatMap((entry) => queue.discard(entry)));
    return entries.map((entry) => {
      queue.committed(entry);
      const { sequence, deliveryCount, state } = entry;
      return {
        lockToken: newToken(),
        payload: encodeDelivery(entry.record as Buffer, { sequence, deliveryCount, state }),
      };
    });
  }

  return async (sequences, mode, session) => {
    if (!queue.claimDeferred(sequences)) return undefined;
    const found = await read(sequences, session);
    if (found === undefined) {
      for (const sequence of sequences) queue.letGo(sequence);
      return 'too-large';
    }
    const nowMs = clock.now();
    const good: QueueEntry[] = [];
    const leaving: Promise<void>[] = [];
    for (const [index, entry] of found.entries()) {
      if (entry === undefined) queue.letGo(sequences[index] as number);
      // However often it was delivered: who waits for something may set it aside again and again.
      else if (entry.expiresAtMs <= nowMs) leaving.push(leave(entry));
      else good.push(entry);
    }
    if (good.length < sequences.length) {
      for (const { sequence } of good) queue.letGo(sequence);
      await Promise.all(leaving);
      return undefined;
    }
    return mode === 'peek-lock' ? good.map((entry) => lock(entry, nowMs, session)) : takeAway(good);
  };
}
