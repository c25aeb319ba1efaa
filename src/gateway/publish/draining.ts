import { PublishError } from '../../messaging/index.js';
import type { CancelTimer, Clock } from '../../shared/clock.js';
import type { InTurn } from '../../shared/turns.js';
import type { SpoolLane, SpoolRecord, StoredRecord } from '../spool/index.js';
import { type LaneOptions, sendWithin, unexpected } from './lane.js';

export interface DrainingDeps {
  readonly clock: Clock;
  readonly spool: SpoolLane;
  /** Sends records from the front as one batch; resolves with how many of them the broker settled. Throws PublishError. */
  readonly sendRecords: (bodies: readonly Buffer[]) => Promise<number>;
  /** A record that the broker will never take is set aside. */
  readonly onRefused: (record: SpoolRecord, error: PublishError) => void;
  readonly onError: (error: PublishError) => void;
  readonly onSpoolError: (error: unknown) => void;
  /** What a record takes of a batch beyond its own size. */
  readonly recordOverheadBytes: number;
  /** The lanes of one destination take turns at reading from the disk, and sending, a batch. */
  readonly drainInTurn: InTurn;
}

/** What comes while the disk is emptied. */
export interface DrainedLane {
  /** Whether the disk is to be emptied now. */
  mayDrain(): boolean;
  /** What is left goes with the next batch: what comes had better not go to the disk. */
  beforeLast(): void;
  /** Resolves when the writes and removals are done that are under way: they change what is first. */
  worked(): Promise<void>;
  /** The disk is empty, and nothing is about to come to it. */
  isDone(): boolean;
  done(): void;
  /** The end for now, whatever it came to. */
  paused(): void;
}

/** How long the lane waits before it tries the disk again. */
const DISK_RETRY_MS = 1_000;
/** What is read from the disk at once: it is in memory while it is sent, and until it is collected. Twice as much at once drained no faster. */
const DRAIN_BYTES = 128 * 1024;

/** Empties the disk into the broker, batch by batch, in order, for as long as that is possible. */
export function createDraining(deps: DrainingDeps, options: LaneOptions, lane: DrainedLane) {
  const { clock, spool } = deps;
  const batchBytes = Math.min(DRAIN_BYTES, options.maxBatchBytes);
  const sendBatch = createBatchSender(deps, batchBytes, options.timeoutMs);
  let draining = false;
  let cancelRetry: CancelTimer | undefined;

  const isLastBatch = (): boolean => {
    const { records, bytes } = spool.size();
    return bytes + records * deps.recordOverheadBytes <= batchBytes;
  };

  async function drain(): Promise<void> {
    if (draining || !lane.mayDrain()) return;
    draining = true;
    try {
      while (await deps.drainInTurn(drainNext));
    } catch (error) {
      if (error instanceof PublishError) deps.onError(error);
      else {
        deps.onSpoolError(error);
        retryLater();
      }
    } finally {
      draining = false;
      lane.paused();
    }
  }

  /** False when there is nothing more to be done for now. */
  async function drainNext(): Promise<boolean> {
    if (!lane.mayDrain()) return false;
    if (isLastBatch()) lane.beforeLast();
    await lane.worked();
    if (!lane.mayDrain()) return false;
    if (lane.isDone()) {
      lane.done();
      return false;
    }
    if (await sendBatch()) return true;
    retryLater();
    return false;
  }

  /** The disk does not answer, or not with what it was given: it may do so later. */
  function retryLater(): void {
    cancelRetry?.();
    cancelRetry = clock.setTimer(() => void drain(), DISK_RETRY_MS);
  }

  return {
    drain: (): void => void drain(),
    stop: (): void => cancelRetry?.(),
  };
}

/** Sends what is first on the disk and takes it from there; false when there was nothing to be read. */
function createBatchSender(deps: DrainingDeps, batchBytes: number, timeoutMs: number): () => Promise<boolean> {
  const { clock, spool } = deps;
  /** A batch was refused as too large: its first record is sent by itself next, to learn whether it is the one. */
  let firstAlone = false;

  async function setAside(record: StoredRecord, error: PublishError): Promise<void> {
    firstAlone = false;
    await spool.setAside(record);
    deps.onRefused(record, error);
  }

  return async () => {
    const read = await spool.read(batchBytes, deps.recordOverheadBytes);
    const records = firstAlone ? read.slice(0, 1) : read;
    if (records.length === 0) return false;
    try {
      const bodies = records.map(({ body }) => body);
      const sent = await sendWithin(clock, timeoutMs, () => deps.sendRecords(bodies));
      firstAlone = false;
      await spool.remove(records.slice(0, sent));
    } catch (cause) {
      if (!(cause instanceof PublishError)) throw cause instanceof Error && 'code' in cause ? cause : unexpected(cause);
      if (cause.code !== 'PS_PUBLISH_TOO_LARGE') throw cause;
      if (records.length > 1) firstAlone = true;
      else await setAside(records[0] as StoredRecord, cause);
    }
    return true;
  };
}
