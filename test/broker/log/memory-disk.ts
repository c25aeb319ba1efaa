import type { LogDisk } from '../../../src/broker/log/disk.js';

/** Folders of files kept in memory. What a file holds survives as long as the object does. */
export interface MemoryDisk extends LogDisk {
  readonly files: Map<string, Buffer>;
  /** Bytes that still fit; an append that does not fit is written in part. */
  room: number;
  /** Thrown by the next append, once. */
  failure: Error | undefined;
}

const noSuchFile = (path: string) => Object.assign(new Error(`ENOENT: no such file, ${path}`), { code: 'ENOENT' });
const noSpace = () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

export function createMemoryDisk(): MemoryDisk {
  const files = new Map<string, Buffer>();
  const pathOf = (folder: string, name: string) => `${folder}/${name}`;
  const contents = (path: string): Buffer => {
    const found = files.get(path);
    if (found === undefined) throw noSuchFile(path);
    return found;
  };

  const fileAt = (path: string) => ({
    async append(slices: readonly Buffer[]) {
      // Copied at once: what the caller does with its memory afterwards must not matter.
      const bytes = Buffer.concat(slices);
      const { failure } = disk;
      disk.failure = undefined;
      await undefined;
      if (failure !== undefined) throw failure;
      const fits = bytes.subarray(0, disk.room);
      files.set(path, Buffer.concat([contents(path), fits]));
      disk.room -= fits.length;
      if (fits.length < bytes.length) throw noSpace();
    },
    async cut(bytes: number) {
      const before = contents(path);
      disk.room += before.length - bytes;
      files.set(path, before.subarray(0, bytes));
    },
    async close() {},
  });

  const disk: MemoryDisk = {
    files,
    room: Number.POSITIVE_INFINITY,
    failure: undefined,
    folders: async () => [...new Set([...files.keys()].map((path) => path.slice(0, path.indexOf('/'))))],
    list: async (folder) =>
      [...files]
        .filter(([path]) => path.startsWith(`${folder}/`))
        .map(([path, { length }]) => ({ name: path.slice(folder.length + 1), bytes: length })),
    read: async (folder, name, position, bytes) =>
      Buffer.from(contents(pathOf(folder, name)).subarray(position, position + bytes)),
    async write(folder, name, bytes) {
      files.set(pathOf(folder, name), Buffer.from(bytes));
    },
    async create(folder, name) {
      files.set(pathOf(folder, name), Buffer.alloc(0));
      return fileAt(pathOf(folder, name));
    },
    async open(folder, name, bytes) {
      const file = fileAt(pathOf(folder, name));
      await file.cut(bytes);
      return file;
    },
    async remove(folder, names) {
      for (const name of names) files.delete(pathOf(folder, name));
    },
    async removeFolder(folder) {
      for (const path of [...files.keys()]) if (path.startsWith(`${folder}/`)) files.delete(path);
    },
  };
  return disk;
}
