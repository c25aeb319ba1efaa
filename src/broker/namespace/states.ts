import {
  EMPTY_LOG,
  EMPTY_QUEUE,
  EMPTY_SCHEDULE,
  type LogState,
  type QueueState,
  type ScheduleState,
} from '../entities/index.js';

/** The small states that are written with every batch: rows of doubles. */
const rowOf = (values: readonly number[]): Buffer => {
  const buffer = Buffer.allocUnsafe(values.length * 8);
  for (const [index, value] of values.entries()) buffer.writeDoubleBE(value, index * 8);
  return buffer;
};

/** Rows of older versions are shorter. */
const at = (row: Buffer, index: number): number => (row.length >= (index + 1) * 8 ? row.readDoubleBE(index * 8) : 0);

/** With the state goes when the queue was last used: nobody writes that alone. */
export const encodeQueueState = (state: QueueState, accessedAtMs = 0): Buffer =>
  rowOf([
    state.nextSequence,
    state.firstSequence,
    state.count,
    state.bytes,
    state.deferredCount,
    state.removedCount,
    state.deliveredBelow,
    accessedAtMs,
  ]);

export const decodeQueueState = (row: Buffer | undefined): QueueState =>
  row === undefined
    ? EMPTY_QUEUE
    : {
        nextSequence: at(row, 0),
        firstSequence: at(row, 1),
        count: at(row, 2),
        bytes: at(row, 3),
        deferredCount: at(row, 4),
        removedCount: at(row, 5),
        deliveredBelow: at(row, 6),
      };

export const encodeScheduleState = (state: ScheduleState, accessedAtMs = 0): Buffer =>
  rowOf([state.count, state.bytes, state.nextSequence, accessedAtMs]);

/** When a queue was last used; undefined when nobody ever did. */
export const queueAccessedAtMs = (row: Buffer | undefined): number | undefined =>
  row === undefined ? undefined : at(row, 7) || undefined;

/** The same of a topic. */
export const topicAccessedAtMs = (row: Buffer | undefined): number | undefined =>
  row === undefined ? undefined : at(row, 3) || undefined;

export const decodeScheduleState = (row: Buffer | undefined): ScheduleState =>
  row === undefined ? EMPTY_SCHEDULE : { count: at(row, 0), bytes: at(row, 1), nextSequence: at(row, 2) };

export const encodeLogState = (state: LogState): Buffer =>
  rowOf([state.nextSequence, state.firstSequence, state.lastEnqueuedAtMs]);

export const decodeLogState = (row: Buffer | undefined): LogState =>
  row === undefined
    ? EMPTY_LOG
    : {
        nextSequence: row.readDoubleBE(0),
        firstSequence: row.readDoubleBE(8),
        lastEnqueuedAtMs: row.readDoubleBE(16),
      };
