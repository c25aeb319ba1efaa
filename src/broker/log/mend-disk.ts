import { copyFile, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../shared/replace-file.js';
import type { LogDisk } from './disk.js';
import { createNodeDisk } from './node-disk.js';

/** The folders of all partitions as a repair needs them. */
export interface MendDisk extends Pick<LogDisk, 'folders' | 'list' | 'read' | 'remove'> {
  /** Puts a file in place of the one of that name, so that it is the old one or the new one whenever the machine stops. */
  replace(folder: string, name: string, contents: Buffer): Promise<void>;
  /** Copies a file to where it stays as it was. */
  keep(folder: string, name: string): Promise<void>;
  /** Moves a folder there as a whole. */
  putAway(folder: string): Promise<void>;
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @param kept the folder for what is changed, as it was; it is made when there is something to keep */
export function createMendDisk(root: string, kept: string): MendDisk {
  const folderFor = (folder: string) => mkdir(folder, { recursive: true, mode: 0o700 });
  return {
    ...createNodeDisk(root),
    async replace(folder, name, contents) {
      await folderFor(join(root, folder));
      await replaceFile(join(root, folder, name), contents);
      await sync(join(root, folder));
    },
    async keep(folder, name) {
      await folderFor(join(kept, folder));
      await copyFile(join(root, folder, name), join(kept, folder, name));
    },
    async putAway(folder) {
      await folderFor(kept);
      await rename(join(root, folder), join(kept, folder));
    },
  };
}
