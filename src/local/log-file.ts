import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const MAX_BYTES = 20 * 1024 * 1024;

export interface LogFile {
  readonly path: string;
  /** Appends one line. A line that the disk has no room for is lost: what runs matters more than what is said of it. */
  write(line: string): void;
  close(): void;
}

/** The one log of an instance. It is bounded: past 20 MB the file becomes `.1`, and the `.1` before it is gone. */
export function openLogFile(dir: string, maxBytes = MAX_BYTES): LogFile {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, 'penstock.ndjson');
  let file = openSync(path, 'a', 0o600);
  let sizeBytes = fstatSync(file).size;
  const append = (line: string) => {
    if (sizeBytes > maxBytes) {
      renameSync(path, `${path}.1`);
      const next = openSync(path, 'a', 0o600);
      closeSync(file);
      file = next;
      sizeBytes = 0;
    }
    sizeBytes += writeSync(file, `${line}\n`);
  };
  return {
    path,
    write(line) {
      try {
        append(line);
      } catch {
        // Full, or its folder is gone.
      }
    },
    close: () => closeSync(file),
  };
}
