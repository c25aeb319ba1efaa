import { execFile } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { spaceOf } from '../../src/shared/room.js';

const run = promisify(execFile);

export interface SmallDisk {
  readonly path: string;
  /** Whether it is a file system of its own; otherwise it is a part of the machine's, which others write to as well. */
  readonly isOwn: boolean;
  freeBytes(): Promise<number>;
  /** Writes a file until only so much is free. */
  fill(leaveBytes: number): Promise<void>;
  /** Removes that file. */
  empty(): Promise<void>;
  remove(): Promise<void>;
}

const CHUNK = Buffer.alloc(256 * 1024, 1);

/**
 * A disk that is soon full: a tmpfs of that size where the test may mount one (as root); elsewhere a folder, and `freeBytes`
 * says how much of the machine's disk is counted as its own.
 */
export async function createSmallDisk(bytes: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'penstock-small-'));
  const isOwn = await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'penstock', path]).then(
    () => true,
    () => false,
  );
  const free = async () => (await spaceOf(path)).freeBytes;
  const notOurs = isOwn ? 0 : (await free()) - bytes;
  if (!isOwn)
    process.stderr.write('no file system can be mounted here: a part of the disk stands in for a small one\n');
  const ballast = join(path, 'ballast');
  const freeBytes = async () => (await free()) - notOurs;
  return {
    path,
    isOwn,
    freeBytes,
    async fill(leaveBytes) {
      const file = await open(ballast, 'w');
      try {
        for (let left = await freeBytes(); left > leaveBytes; left = await freeBytes()) {
          await file.write(CHUNK, 0, Math.min(CHUNK.length, left - leaveBytes));
        }
      } finally {
        await file.close();
      }
    },
    empty: () => rm(ballast, { force: true }),
    async remove() {
      if (isOwn) await run('umount', [path]);
      await rm(path, { recursive: true, force: true });
    },
  };
}
