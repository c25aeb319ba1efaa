import { type BackoffOptions, backoffMs } from '../../shared/backoff.js';
import { type Clock, delay } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import type { LogEvent, PartitionRuntime } from '../namespace/index.js';
import { archiveFile } from './archive.js';
import type { BlobWriter } from './blob-writer.js';
import type { PlannedFile } from './progress.js';
import type { createSlots } from './slots.js';

export interface FileWritingDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly blobs: Pick<BlobWriter, 'write'>;
  /** Bounds how many files are written at once, and with that the memory that they take. */
  readonly inSlot: ReturnType<typeof createSlots>;
}

const READ_AT_ONCE = 1000;
const BACKOFF: BackoffOptions = { firstDelayMs: 500, maxDelayMs: 30_000 };

async function* eventsOf(
  partition: Pick<PartitionRuntime, 'read'>,
  { firstSequence, endSequence }: PlannedFile,
): AsyncGenerator<readonly LogEvent[]> {
  for (let at = firstSequence; at < endSequence; ) {
    const found = await partition.read(at, Math.min(READ_AT_ONCE, endSequence - at));
    // The hub may have forgotten some, and answers with later ones.
    const wanted = found.filter(({ sequence }) => sequence < endSequence);
    if (wanted.length === 0) return;
    yield wanted;
    at = (wanted.at(-1) as LogEvent).sequence + 1;
  }
}

/** Writes files of a partition, each until it is written; false when it was stopped before. */
export function createFileWriting(
  { clock, random, logger, blobs, inSlot }: FileWritingDeps,
  partition: Pick<PartitionRuntime, 'read'>,
  signal: AbortSignal,
) {
  return async function write(plan: PlannedFile): Promise<boolean> {
    const { container, name, encoding } = plan;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const content = () => archiveFile(name, encoding, eventsOf(partition, plan));
        await inSlot(() => blobs.write({ container, name }, content(), signal));
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        const waitMs = BACKOFF.firstDelayMs / 2 + backoffMs(attempt, BACKOFF, random);
        logger.warn({ container, name, waitMs, how: messageOf(error) }, 'a capture file is not written');
        await delay(clock, waitMs, signal);
      }
    }
    return false;
  };
}
