import type { Clock } from '../shared/clock.js';
import { messageOf, PenstockError } from '../shared/errors.js';
import type { Logger } from '../shared/logger.js';

const QUIET_MS = 60_000;

/** Partitions change hands whenever a process joins or leaves: no trouble, though the one before is cut off in its work. */
const TAKEN_OVER: ReadonlySet<unknown> = new Set(['PS_CONSUME_LOST', 'PS_PARTITION_FENCED']);

const isTakenOver = (error: unknown): boolean =>
  error instanceof PenstockError && (TAKEN_OVER.has(error.code) || isTakenOver(error.cause));

/**
 * Tells the log what keeps partitions of a hub from being read. While that lasts it is tried about once a second: each
 * trouble of a partition is told at once, and again once a minute.
 */
export function createHubTroubleLog(
  clock: Pick<Clock, 'now'>,
  logger: Pick<Logger, 'info' | 'warn'>,
): (error: Error, partitionId: string) => void {
  const told = new Map<string, number>();
  return (error, partitionId) => {
    const facts = { ...(partitionId === '' ? {} : { partitionId }), err: messageOf(error) };
    if (isTakenOver(error)) {
      logger.info(facts, 'another process reads the partition by now');
      return;
    }
    const nowMs = clock.now();
    for (const [trouble, atMs] of told) if (Math.abs(nowMs - atMs) >= QUIET_MS) told.delete(trouble);
    const trouble = `${partitionId} ${facts.err}`;
    if (told.has(trouble)) return;
    told.set(trouble, nowMs);
    logger.warn(facts, 'the hub is not read');
  };
}
