/** A record of the spool as its key tells it. */
export interface SpoolRecord {
  readonly key: string;
  readonly lane: string;
  /** Counts up within the lane and is never used twice while the lane has records. */
  readonly sequence: number;
  readonly bytes: number;
  /** When it was taken. */
  readonly atMs: number;
}

/** What is before the key of a record that its broker has refused for good. */
export const ASIDE = '!aside/';

const SEPARATOR = '\u0001';
const AFTER_SEPARATOR = '\u0002';
/** Hexadecimal digits: 48 bits, 32 bits, 48 bits. */
const SEQUENCE_DIGITS = 12;
const BYTES_DIGITS = 8;
const TIME_DIGITS = 12;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/**
 * `<lane> 01 <sequence> <bytes> <time>`: in order of sequence within a lane. Size and time are in the key so that a start
 * counts what there is without reading it.
 */
export function recordOf(lane: string, sequence: number, size: { bytes: number; atMs: number }): SpoolRecord {
  const { bytes, atMs } = size;
  const key = `${lane}${SEPARATOR}${hex(sequence, SEQUENCE_DIGITS)}${hex(bytes, BYTES_DIGITS)}${hex(atMs, TIME_DIGITS)}`;
  return { key, lane, sequence, bytes, atMs };
}

/** Undefined for a key of another kind. */
export function parseRecordKey(key: string): SpoolRecord | undefined {
  const at = key.lastIndexOf(SEPARATOR);
  const digits = key.slice(at + 1);
  if (at < 1 || digits.length !== SEQUENCE_DIGITS + BYTES_DIGITS + TIME_DIGITS) return undefined;
  const number = (from: number, length: number) => Number.parseInt(digits.slice(from, from + length), 16);
  return {
    key,
    lane: key.slice(0, at),
    sequence: number(0, SEQUENCE_DIGITS),
    bytes: number(SEQUENCE_DIGITS, BYTES_DIGITS),
    atMs: number(SEQUENCE_DIGITS + BYTES_DIGITS, TIME_DIGITS),
  };
}

/** The keys of a lane from a sequence number on. */
export const keysFrom = (lane: string, sequence: number): { from: string; to: string } => ({
  from: `${lane}${SEPARATOR}${hex(sequence, SEQUENCE_DIGITS)}`,
  to: `${lane}${AFTER_SEPARATOR}`,
});
