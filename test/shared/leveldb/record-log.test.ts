import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRecordLog } from '../../../src/shared/leveldb/record-log.js';
import { mayBeginBatch } from '../../../src/shared/leveldb/write-batch.js';
import { batch, batches, logOf } from './logs.js';

const read = (bytes: Buffer) => readRecordLog(bytes, mayBeginBatch);
const contentsOf = (bytes: Buffer) => read(bytes).records.map(({ pieces }) => Buffer.concat(pieces).toString('latin1'));
const SECTOR_BYTES = 512;

describe('a log of records', () => {
  it('has every record that was written, over blocks', () => {
    fc.assert(
      fc.property(batches(0), (records) => {
        const log = logOf(records);
        expect(read(log)).toMatchObject({ damage: [], tornAt: undefined });
        expect(contentsOf(log)).toEqual(records.map((record) => record.toString('latin1')));
      }),
      { numRuns: 50 },
    );
  });

  it('that is cut short anywhere has the records before, and is not damaged', () => {
    fc.assert(
      fc.property(batches(1), fc.double({ min: 0, max: 1, noNaN: true }), (records, part) => {
        const log = logOf(records);
        const cut = log.subarray(0, Math.floor(log.length * part));
        const whole = read(log).records.filter(({ end }) => end <= cut.length);
        const found = read(cut);
        expect(found.damage).toEqual([]);
        expect(found.records.map(({ start }) => start)).toEqual(whole.map(({ start }) => start));
      }),
      { numRuns: 100 },
    );
  });

  it('is damaged where a bit is another one, unless that is in the last record or in no record', () => {
    fc.assert(
      fc.property(
        batches(2),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        fc.integer({ min: 0, max: 7 }),
        (records, part, bit) => {
          const log = logOf(records);
          const places = read(log).records;
          const at = Math.floor(log.length * part);
          log[at] = (log[at] as number) ^ (1 << bit);
          const hit = places.findIndex(({ start, end }) => at >= start && at < end);
          const { damage, records: kept, tornAt } = read(log);
          const keptStarts = kept.map(({ start }) => start);
          const others = places.filter((_, index) => index !== hit).map(({ start }) => start);
          if (hit < 0 || keptStarts.length === places.length) {
            // Between two blocks: it belongs to nothing.
            expect([damage, tornAt]).toEqual([[], undefined]);
          } else if (hit === places.length - 1) {
            expect([damage, tornAt]).toEqual([[], places[hit]?.start]);
            expect(keptStarts).toEqual(others);
          } else {
            expect(damage).toEqual([{ from: places[hit]?.start, to: places[hit + 1]?.start }]);
            expect(keptStarts).toEqual(others);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('whose last record reached the disk in parts only, in any order, is not damaged', () => {
    fc.assert(
      fc.property(batches(2), fc.infiniteStream(fc.boolean()), (records, onDisk) => {
        const log = logOf(records);
        const last = read(log).records.at(-1)?.start ?? 0;
        for (let at = last; at < log.length; at = Math.floor(at / SECTOR_BYTES + 1) * SECTOR_BYTES) {
          const end = Math.min(log.length, Math.floor(at / SECTOR_BYTES + 1) * SECTOR_BYTES);
          if (!onDisk.next().value) log.fill(0, at, end);
        }
        const { damage, records: kept } = read(log);
        expect(damage).toEqual([]);
        expect(kept.length).toBeGreaterThanOrEqual(records.length - 1);
      }),
      { numRuns: 100 },
    );
  });

  it('is damaged where a part in the middle is zero, or missing', () => {
    const records = Array.from({ length: 300 }, (_, index) => batch(1 + index, 1, 400, index));
    const zeroed = logOf(records);
    zeroed.fill(0, 40_000, 44_096);
    expect(read(zeroed).damage).toHaveLength(1);
    expect(read(zeroed).records.length).toBeGreaterThan(285);
    const whole = logOf(records);
    expect(read(Buffer.concat([whole.subarray(0, 40_000), whole.subarray(44_096)])).damage).not.toEqual([]);
  });

  it('does not take what a client sent for a record: a torn message that holds a log is torn', () => {
    const inner = logOf([batch(1, 1, 100), batch(2, 1, 100)]);
    const outer = Buffer.concat([batch(5000, 1, 0), Buffer.alloc(1000), inner, Buffer.alloc(1000)]);
    const log = logOf([batch(4999, 1, 100), outer]);
    expect(read(log.subarray(0, log.length - 500))).toMatchObject({ damage: [], tornAt: 119 });
  });

  it('with a torn record of many bytes that look like heads is read in a moment', () => {
    // Every byte may be the type of a piece, and every length fits: a checksum for each would take many minutes.
    const log = logOf([batch(1, 1, 100), batch(2, 1, 4_000_000, 1)]);
    expect(read(log.subarray(0, log.length - 1))).toMatchObject({ damage: [], tornAt: 119 });
  });
});
