import type { SpoolStore, Write } from '../../../src/gateway/spool/store.js';

/** A disk in memory that outlives its store, and fails when it is told to. */
export function createMemoryDisk() {
  const entries = new Map<string, Buffer>();
  const keysIn = (from: string, to: string) => [...entries.keys()].filter((one) => one >= from && one < to).sort();
  const disk = {
    entries,
    /** Writes are refused, and nothing of them is kept. */
    full: false,
    compactions: 0,
    /** How much the file system tells that it has left. */
    freeBytes: 2 ** 40,
    open: async (): Promise<SpoolStore> => {
      if (disk.full) throw new Error('no space left on device');
      return {
        async *keys(from, to) {
          yield* keysIn(from, to);
        },
        async *entries(from, to) {
          for (const key of keysIn(from, to)) yield [key, entries.get(key) as Buffer];
        },
        get: async (key) => entries.get(key),
        async write(writes: readonly Write[]) {
          await undefined;
          if (disk.full) throw new Error('no space left on device');
          for (const { key, value } of writes) {
            if (value === undefined) entries.delete(key);
            else entries.set(key, Buffer.from(value));
          }
        },
        compact: async () => void disk.compactions++,
        space: async () => ({ freeBytes: disk.freeBytes, totalBytes: 2 ** 40 }),
        close: async () => {},
      };
    },
  };
  return disk;
}
