import { crc32 } from 'node:zlib';

/**
 * LevelDB's own checksums are not looked at when it reads for us (classic-level has no way to ask for it), and a block that
 * does not compress passes with any bit changed. So each value carries the CRC-32 of its key and itself behind it.
 */
const SUM_BYTES = 4;
const ROOM_BYTES = 64 * 1024;

/** Makes a function that adds the checksum. What it answers is overwritten by its next call: LevelDB copies it at once. */
export function createSealer() {
  const room = Buffer.allocUnsafeSlow(ROOM_BYTES);
  return (key: Buffer, value: Buffer): Buffer => {
    const length = value.length + SUM_BYTES;
    const into = length > ROOM_BYTES ? Buffer.allocUnsafeSlow(length) : room;
    into.set(value);
    into.writeUInt32BE(crc32(value, crc32(key)), value.length);
    return into.subarray(0, length);
  };
}

/** The value under a key; undefined when it is not what was put there. */
export function unseal(key: Buffer, sealed: Buffer): Buffer | undefined {
  const length = sealed.length - SUM_BYTES;
  if (length < 0) return undefined;
  const value = sealed.subarray(0, length);
  return crc32(value, crc32(key)) === sealed.readUInt32BE(length) ? value : undefined;
}
