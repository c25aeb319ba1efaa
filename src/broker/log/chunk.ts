import type { LogDisk } from './disk.js';
import { type Frame, readFrame } from './frame.js';

/** Part of a segment file, up to where it is known to end. */
export interface Extent {
  readonly folder: string;
  readonly name: string;
  readonly end: number;
}

export interface Chunk {
  readonly buffer: Buffer;
  /** Whole frames from the position on; none when what is there is not one. */
  readonly frames: readonly Frame[];
  /** Position behind the last of them. */
  readonly next: number;
}

/** Reads the whole frames that begin at `position`: as many as are in `bytes` bytes, but one at least, however large. */
export async function readChunk(disk: LogDisk, extent: Extent, position: number, bytes: number): Promise<Chunk> {
  const { folder, name, end } = extent;
  const buffer = await disk.read(folder, name, position, Math.min(bytes, end - position));
  const frames: Frame[] = [];
  let at = 0;
  while (at < buffer.length) {
    const read = readFrame(buffer, at);
    if (read.kind === 'short' && at === 0 && read.needBytes > buffer.length && read.needBytes <= end - position) {
      // A file that is shorter than it is known to be would bring this again and again.
      if (buffer.length < Math.min(bytes, end - position)) break;
      return readChunk(disk, extent, position, read.needBytes);
    }
    if (read.kind !== 'frame') break;
    frames.push(read.frame);
    at += read.frame.bytes;
  }
  return { buffer, frames, next: position + at };
}
