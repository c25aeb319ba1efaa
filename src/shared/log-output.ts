import { writeSync } from 'node:fs';

/** What waits for somebody who does not read; beyond it lines are lost. */
const MAX_WAITING_BYTES = 1024 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

/** Writes some of the bytes, and answers how many. */
type Write = (bytes: Buffer) => number;

export interface LogOutput {
  write(lines: string): void;
}

const toStandardOutput: Write = (bytes) => writeSync(1, bytes);

/**
 * Log lines, written at once, so that the last one of a process that ends is there. Nothing that happens to the log happens
 * to the process: what cannot be written, since the disk is full or nobody reads any more, is lost. (With pino's own output
 * such an error ends the process, or keeps it from ending: at the exit it is tried again for ever.)
 */
export function createLogOutput(write: Write = toStandardOutput): LogOutput {
  let waiting = NOTHING;
  return {
    write(lines) {
      const line = Buffer.from(lines);
      if (waiting.length + line.length <= MAX_WAITING_BYTES) waiting = Buffer.concat([waiting, line]);
      try {
        while (waiting.length > 0) waiting = waiting.subarray(write(waiting));
      } catch (error) {
        // A pipe that does not block is full for the moment: the rest goes with the next line.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') waiting = NOTHING;
      }
    },
  };
}
