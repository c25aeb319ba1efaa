import type { LogRecord, MayBegin } from './record-log.js';

/**
 * A record of the write-ahead log is a batch of writes (db/write_batch.cc): u64 sequence of the first one | u32 count | writes,
 * little-endian. The numbers of batches follow on each other.
 */
const HEAD_BYTES = 12;
/** Sequence numbers have 56 bits: this byte is 0. */
const TOP_BYTE_AT = 7;

const headOf = ({ pieces }: LogRecord): Buffer => {
  const [first] = pieces;
  return first !== undefined && first.length >= HEAD_BYTES ? first : Buffer.concat(pieces.slice(0, 2));
};

const sequenceOf = (head: Buffer): number => head.readUInt32LE(0) + head.readUIntLE(4, 3) * 0x1_0000_0000;

/**
 * A batch behind damage has a number that follows on those before, with room for what was skipped: a write takes 2 bytes at
 * least. This costs nothing, where each checksum would have to be looked at, and tells a batch from bytes of a client that
 * look like one.
 */
export const mayBeginBatch: MayBegin = (data, before, skippedBytes) => {
  // The head goes on in the next block.
  if (data.length < HEAD_BYTES) return true;
  if (data[TOP_BYTE_AT] !== 0) return false;
  if (before === undefined) return true;
  const head = headOf(before);
  if (head.length < HEAD_BYTES) return true;
  const next = sequenceOf(head) + head.readUInt32LE(8);
  const sequence = sequenceOf(data);
  return sequence >= next && sequence <= next + skippedBytes / 2;
};
