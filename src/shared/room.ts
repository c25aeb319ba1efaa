import { statfs } from 'node:fs/promises';
import { type Clock, every } from './clock.js';

export interface Space {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface RoomDeps {
  readonly clock: Clock;
  /** Asks the file system of the data. */
  readonly measure: () => Promise<Space>;
  /** Is told when there is too little room, and when there is enough again. */
  readonly onChange: (low: boolean, space: Space) => void;
  readonly onError: (error: unknown) => void;
}

/** Whether the disk has room for what is sent. What receivers do needs little, and has the rest to itself. */
export interface Room {
  isLow(): boolean;
  /** Something was written: before much more comes it is looked again. */
  written(bytes: number): void;
  /** Looks for the first time. */
  start(): Promise<void>;
  stop(): void;
}

/** Of the file system that a folder is on. */
export async function spaceOf(folder: string): Promise<Space> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

const MIB = 1024 * 1024;
/** LevelDB merges tables into new ones before it removes the old: about this much in one go. */
const RESERVED_BYTES = 128 * MIB;
/** Of a small disk no more than this part is kept free. */
const RESERVED_PART = 1 / 4;
const EVERY_MS = 1000;
const EVERY_BYTES = 8 * MIB;

/** What is kept free of a disk of that size. */
export const reservedBytes = (totalBytes: number): number => Math.min(RESERVED_BYTES, totalBytes * RESERVED_PART);

/**
 * Refusing what is sent before the disk is full keeps it from being full: a write that fails leaves memory ahead of the
 * disk, and LevelDB without a way back.
 */
export function createRoom(deps: RoomDeps, minFreeBytes?: number): Room {
  let low = false;
  let unseenBytes = 0;
  let looking: Promise<void> | undefined;
  let stopWatching = () => {};

  async function look(): Promise<void> {
    unseenBytes = 0;
    const space = await deps.measure();
    const isLow = space.freeBytes < (minFreeBytes ?? reservedBytes(space.totalBytes));
    if (isLow === low) return;
    low = isLow;
    deps.onChange(low, space);
  }

  function lookSoon(): Promise<void> {
    looking ??= look()
      // Where the file system cannot be asked, a full disk is noticed by what fails.
      .catch(deps.onError)
      .finally(() => {
        looking = undefined;
      });
    return looking;
  }

  return {
    isLow: () => low,
    written(bytes) {
      unseenBytes += bytes;
      if (unseenBytes >= EVERY_BYTES) void lookSoon();
    },
    async start() {
      await lookSoon();
      stopWatching = every(deps.clock, EVERY_MS, lookSoon);
    },
    stop: () => stopWatching(),
  };
}
