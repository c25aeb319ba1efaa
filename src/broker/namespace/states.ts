import { EMPTY_LOG, EMPTY_QUEUE, type LogState, type QueueState } from '../entities/index.js';

/** The small states that are written with every batch: rows of doubles. */
const rowOf = (values: readonly number[]): Buffer => {
  const buffer = Buffer.allocUnsafe(values.length * 8);
  for (const [index, value] of values.entries()) buffer.writeDoubleBE(value, index * 8);
  return buffer;
};

export const encodeQueueState = (state: QueueState): Buffer =>
  rowOf([state.nextSequence, state.firstSequence, state.count, state.bytes]);

export const decodeQueueState = (row: Buffer | undefined): QueueState =>
  row === undefined
    ? EMPTY_QUEUE
    : {
        nextSequence: row.readDoubleBE(0),
        firstSequence: row.readDoubleBE(8),
        count: row.readDoubleBE(16),
        bytes: row.readDoubleBE(24),
      };

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
