import { scheduledDueKey, scheduledKey } from '../store/keys.js';
import type { Write } from '../store/types.js';
import { sessionRowKey, sessionRowWrite } from './sessions/index.js';

/** What is kept of the scheduled messages of a queue or topic beside themselves. */
export interface ScheduleState {
  readonly count: number;
  readonly bytes: number;
  /** For a topic: the number that the next message gets, scheduled or not. */
  readonly nextSequence: number;
}

export const EMPTY_SCHEDULE: ScheduleState = { count: 0, bytes: 0, nextSequence: 1 };

interface Place {
  readonly sequence: number;
  readonly dueAtMs: number;
  /** Where messages are taken by session. */
  readonly sessionId?: string | undefined;
}

/** A scheduled message as the store knows it. */
export interface Scheduled extends Place {
  readonly sizeBytes: number;
}

/**
 * The messages that wait for their time. They are in the store alone, by number, with an index by time; in memory are
 * their count, when the next one is due, and the numbers that are being cancelled or enqueued at this moment. Pure, as the
 * queue is: it answers with writes, and the caller commits them in the same step.
 */
export function createSchedule(id: number, initial: ScheduleState) {
  let { count, bytes, nextSequence } = initial;
  let changed = false;
  /** Writes that go along with the next batch. */
  let extras: Write[] = [];
  const inHand = new Set<number>();

  const state = (): ScheduleState => ({ count, bytes, nextSequence });

  return {
    id,

    /** The number of a topic's next message. */
    nextNumber(): number {
      changed = true;
      return nextSequence++;
    },

    put({ sequence, dueAtMs, sessionId }: Place, record: Buffer): Write {
      count++;
      bytes += record.length;
      changed = true;
      const sizeBytes = Buffer.allocUnsafe(4);
      sizeBytes.writeUInt32BE(record.length, 0);
      extras.push({ key: scheduledDueKey(id, dueAtMs, sequence), value: sizeBytes });
      if (sessionId !== undefined)
        extras.push(sessionRowWrite(id, { sequence, state: 'scheduled', sessionId }, record));
      return { key: scheduledKey(id, sequence), value: record };
    },

    /** Takes a message in hand, to cancel it or to enqueue it; false when somebody else has it. */
    claim(sequence: number): boolean {
      if (inHand.has(sequence)) return false;
      inHand.add(sequence);
      return true;
    },

    /** What was decided on a message is durable, or it is not there. */
    letGo: (sequence: number): void => void inHand.delete(sequence),

    /** The writes that take a claimed message out of the schedule. */
    remove({ sequence, dueAtMs, sizeBytes, sessionId }: Scheduled): Write[] {
      count--;
      bytes -= sizeBytes;
      changed = true;
      const writes: Write[] = [{ key: scheduledKey(id, sequence) }, { key: scheduledDueKey(id, dueAtMs, sequence) }];
      if (sessionId !== undefined) writes.push({ key: sessionRowKey(id, { sequence, state: 'scheduled', sessionId }) });
      return writes;
    },

    state,

    takeExtras(): Write[] {
      const taken = extras;
      if (taken.length > 0) extras = [];
      return taken;
    },

    /** The state when it differs from what was last asked for here. */
    changedState(): ScheduleState | undefined {
      if (!changed) return undefined;
      changed = false;
      return state();
    },
  };
}
