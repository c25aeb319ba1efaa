const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A line without its end, or, when it was longer than the bound, the fact alone. */
export type Line =
  | { readonly number: number; readonly bytes: Buffer; readonly tooLong?: never }
  | { readonly number: number; readonly bytes?: never; readonly tooLong: true };

/**
 * Splits bytes into lines (LF or CR LF), numbered from 1. A line longer than `maxLineBytes` is skipped up to its end
 * and never held in memory. The bytes are a view: use them before asking for the next line.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<Line> {
  let number = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let tooLong = false;

  const hold = (part: Buffer) => {
    heldBytes += part.length;
    if (heldBytes > maxLineBytes) tooLong = true;
    if (tooLong) held = [];
    else if (part.length > 0) held.push(part);
  };
  const take = (): Line => {
    number += 1;
    const line: Line = tooLong ? { number, tooLong } : { number, bytes: withoutCarriageReturn(joined(held)) };
    held = [];
    heldBytes = 0;
    tooLong = false;
    return line;
  };

  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, end));
      from = end + 1;
      yield take();
    }
    if (from < chunk.length) hold(chunk.subarray(from));
  }
  if (heldBytes > 0) yield take();
}

const joined = (parts: readonly Buffer[]) => (parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
const withoutCarriageReturn = (bytes: Buffer) =>
  bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, bytes.length - 1) : bytes;
