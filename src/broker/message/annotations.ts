import { writeUint64 } from '../store/keys.js';
import { encodeSymbol } from './encode.js';

/** Entries of an annotations map whose values are 8 bytes wide, so that only the numbers change from message to message. */
export interface EntryTemplate {
  readonly count: number;
  readonly bytes: number;
  /** Writes the entries at `offset` with these values, in the order of the names, and answers where they end. */
  write(into: Buffer, offset: number, values: readonly number[]): number;
}

const TYPE_CODE = { long: 0x81, timestamp: 0x83 } as const;

export function entryTemplate(entries: readonly (readonly [string, keyof typeof TYPE_CODE])[]): EntryTemplate {
  const valueOffsets: number[] = [];
  const parts: Buffer[] = [];
  let at = 0;
  for (const [name, type] of entries) {
    const key = encodeSymbol(name);
    const part = Buffer.concat([key, Buffer.of(TYPE_CODE[type]), Buffer.alloc(8)]);
    valueOffsets.push(at + key.length + 1);
    at += part.length;
    parts.push(part);
  }
  const template = Buffer.concat(parts);
  return {
    count: entries.length,
    bytes: template.length,
    write(into, offset, values) {
      template.copy(into, offset);
      for (let index = 0; index < valueOffsets.length; index++) {
        writeUint64(into, values[index] as number, offset + (valueOffsets[index] as number));
      }
      return offset + template.length;
    },
  };
}
