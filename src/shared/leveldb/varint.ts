/** Reads LevelDB's numbers (7 bits a byte, the low ones first) one after the other; throws RangeError past the end. */
export function createCursor(bytes: Buffer, from = 0) {
  let at = from;
  const number = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      // Nothing here needs more than a safe integer has.
      if (factor > 2 ** 42) throw new RangeError('a number is too long');
    }
  };
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw new RangeError('a text is cut short');
    at += length;
    return bytes.subarray(at - length, at);
  };
  return { hasMore: () => at < bytes.length, at: () => at, number, take, text: () => take(number()) };
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}
