import fc from 'fast-check';
import { writeRecordLog } from '../../../src/shared/leveldb/record-log.js';

/** A batch as LevelDB writes it into its log: `bytes` bytes behind the head, of `count` writes. */
export function batch(sequence: number, count: number, bytes: number, fill = 0): Buffer {
  const record = Buffer.alloc(12 + bytes, fill);
  record.writeUInt32LE(sequence, 0);
  record.writeUInt32LE(0, 4);
  record.writeUInt32LE(count, 8);
  return record;
}

/** Logs of batches whose numbers follow on each other; many are about as large as a block, where pieces begin and end. */
export const batches = (minLength: number) =>
  fc
    .array(
      fc.record({
        count: fc.integer({ min: 1, max: 20 }),
        bytes: fc.oneof(
          fc.integer({ min: 60, max: 2000 }),
          fc.integer({ min: 32_700, max: 32_780 }),
          fc.integer({ min: 60, max: 100_000 }),
        ),
        fill: fc.integer({ min: 0, max: 255 }),
      }),
      { minLength, maxLength: 8 },
    )
    .map((parts) => {
      let sequence = 1;
      return parts.map(({ count, bytes, fill }) => {
        sequence += count;
        return batch(sequence - count, count, bytes, fill);
      });
    });

export const logOf = (records: readonly Buffer[]): Buffer => writeRecordLog(records.map((record) => [record]));
