import { type Clock, delay, msUntil } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { BlobWriter } from './blob-writer.js';
import type { PlannedFile } from './progress.js';

export interface SettlingDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly blobs: Pick<BlobWriter, 'has'>;
  /** Writes a file again. */
  readonly write: (file: PlannedFile) => Promise<unknown>;
  /** A file is there for good; resolves when that is durable. */
  readonly onSettled: (file: PlannedFile) => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** Azurite has what it has acknowledged on its disk within 5 seconds, and without it after `kill -9`. */
const SETTLE_MS = 10_000;

/** Looks after files that the storage has taken, until they were there for a while. */
export function createSettling({ clock, logger, blobs, write, onSettled, onError, signal }: SettlingDeps) {
  /** One after the other, as they were written. */
  let settled: Promise<void> = Promise.resolve();

  /** Lets go of a file once it was there for a while, and writes one that has gone again. */
  async function settle(file: PlannedFile, dueAtMs: number): Promise<void> {
    for (let waitMs = msUntil(clock, dueAtMs, SETTLE_MS); !signal.aborted; waitMs = SETTLE_MS) {
      await delay(clock, waitMs, signal);
      // Undefined while it is away: it is asked again.
      const found = signal.aborted ? undefined : await blobs.has(file, signal).catch(() => undefined);
      if (found === true) {
        await onSettled(file);
        return;
      }
      if (found === undefined) continue;
      const { container, name } = file;
      logger.warn({ container, name }, 'the storage has lost a capture file that it had taken: it is written again');
      await write(file);
    }
  }

  return {
    /** A file was just written. */
    add(file: PlannedFile): void {
      const dueAtMs = clock.now() + SETTLE_MS;
      settled = settled.then(() => settle(file, dueAtMs)).catch(onError);
    },

    /** Resolves when nothing is under way any more. */
    ended: (): Promise<void> => settled,
  };
}
