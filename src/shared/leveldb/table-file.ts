import { open } from 'node:fs/promises';
import { contentsOf, FOOTER_BYTES, type IndexEntry, isWhole, readFooter, readIndex } from './table.js';

export interface TableReading {
  /** What is wrong, each for a sentence that begins with the name of the file. */
  readonly faults: readonly string[];
  /** The blocks of data that are whole; none unless it was thorough, or where the index itself is damaged. */
  readonly whole: readonly IndexEntry[];
  /** How many blocks of data were looked at; undefined where the index itself is damaged. */
  readonly blocks: number | undefined;
}

/** What an index with its filter takes at the end of a table at the most, as a rule. */
const TAIL_BYTES = 64 * 1024;

const damagedIndex = (at: number): TableReading => ({
  faults: [`is damaged at byte ${at}, in its index`],
  whole: [],
  blocks: undefined,
});

/** Looks whether a table can be read: the parts that lead to its data, or with `thorough` all of it. */
export async function readTable(path: string, thorough: boolean): Promise<TableReading> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const readFrom = async (from: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(size - from), 0, size - from, from);
      return buffer.subarray(0, bytesRead);
    };
    const tail = await readFrom(thorough ? 0 : Math.max(0, size - TAIL_BYTES));
    const footer = readFooter(tail, size);
    if (footer === undefined) return damagedIndex(Math.max(0, size - FOOTER_BYTES));
    const { metaIndex, index } = footer;
    const from = Math.min(metaIndex.offset, index.offset);
    const bytes = from < size - tail.length ? await readFrom(from) : tail;
    return judge(bytes, { indexes: [metaIndex, index], base: size - bytes.length, thorough });
  } finally {
    await file.close();
  }
}

interface Judging {
  readonly indexes: readonly [IndexEntry['handle'], IndexEntry['handle']];
  /** Where the bytes begin in the file. */
  readonly base: number;
  readonly thorough: boolean;
}

function judge(bytes: Buffer, { indexes, base, thorough }: Judging): TableReading {
  const broken = indexes.find((handle) => !isWhole(bytes, handle, base));
  if (broken !== undefined) return damagedIndex(broken.offset);
  let filters: readonly IndexEntry[];
  let data: readonly IndexEntry[];
  try {
    filters = readIndex(contentsOf(bytes, indexes[0], base));
    // Taking it apart costs more than all the rest, and at a start its checksum says enough.
    data = thorough ? readIndex(contentsOf(bytes, indexes[1], base)) : [];
  } catch (error) {
    if (error instanceof RangeError) return damagedIndex(indexes[1].offset);
    throw error;
  }
  const faulty = ({ handle }: IndexEntry) => handle.offset >= base && !isWhole(bytes, handle, base);
  const looked = thorough ? [...filters, ...data] : filters;
  return {
    faults: looked.filter(faulty).map(({ handle }) => `is damaged at byte ${handle.offset}`),
    whole: data.filter((entry) => !faulty(entry)),
    blocks: data.length,
  };
}
