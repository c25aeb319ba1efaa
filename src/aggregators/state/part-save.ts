import { type ByteWriter, createByteWriter } from './bytes.js';

/** A save of many records that is under way. */
export interface PartSave<Saved = Buffer> {
  /** Encodes up to `count` further records; false when all are encoded. */
  next(count: number): boolean;
  /** What was saved, once all of it is encoded. */
  finish(): Saved;
}

/** Encodes records, which are a copy of what there was, a few at a time. */
export function createPartSave<Key>(
  keys: readonly Key[],
  encode: (writer: ByteWriter, key: Key, index: number) => void,
): PartSave {
  const writer = createByteWriter();
  let done = 0;
  const next = (count: number): boolean => {
    const end = Math.min(keys.length, done + count);
    for (; done < end; done++) encode(writer, keys[done] as Key, done);
    return done < keys.length;
  };
  return {
    next,
    finish() {
      next(Number.POSITIVE_INFINITY);
      return writer.bytes();
    },
  };
}
