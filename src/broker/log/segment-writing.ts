import type { LogDisk, LogFile } from './disk.js';
import { indexName, segmentName } from './names.js';
import type { IndexedFrame } from './segment-index.js';
import type { SegmentList } from './segment-list.js';

export interface SegmentWritingDeps {
  readonly disk: LogDisk;
  readonly folder: string;
  readonly list: Pick<SegmentList, 'newest' | 'begin' | 'add'>;
  /** The newest segment, when there is one. */
  readonly file: LogFile | undefined;
}

/** Writes to the newest segment of a partition, and begins new ones. The list is told of what is on disk. */
export function createSegmentWriting({ disk, folder, list, file: opened }: SegmentWritingDeps) {
  const { newest } = list;
  let file = opened;
  /** What the newest index file covers. */
  let saved = { base: -1, bytes: 0 };

  /** Writes the index of the newest segment, so that a start need not read the segment. */
  async function saveIndex(): Promise<void> {
    const index = newest();
    const state = { base: index.base, bytes: index.bytes() };
    if (state.bytes === 0 || (state.base === saved.base && state.bytes === saved.bytes)) return;
    if (index.lostAtEnd() > 0) return;
    await disk.write(folder, indexName(index.base), index.encode());
    saved = state;
  }

  return {
    saveIndex,

    async append(slices: readonly Buffer[], frames: readonly IndexedFrame[]): Promise<void> {
      const target = file as LogFile;
      try {
        await target.append(slices);
      } catch (error) {
        await target.cut(newest().bytes());
        throw error;
      }
      list.add(frames);
    },

    async begin(base: number, slices: readonly Buffer[], frames: readonly IndexedFrame[]): Promise<void> {
      await saveIndex();
      const name = segmentName(base);
      const started = await disk.create(folder, name);
      try {
        await started.append(slices);
      } catch (error) {
        await started.close();
        await disk.remove(folder, [name]);
        throw error;
      }
      await file?.close();
      file = started;
      list.begin(base);
      list.add(frames);
    },

    async close(): Promise<void> {
      await file?.close();
      file = undefined;
    },
  };
}
