/**
 * Writes a text, one byte a character. Returns how many characters it wrote: all, or those before the first that takes more
 * than one byte of UTF-8. Up to some dozens of characters it is quicker than a call out of JavaScript. There has to be room.
 */
export function writeAscii(into: Uint8Array, start: number, text: string): number {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return index;
    into[start + index] = unit;
  }
  return text.length;
}
