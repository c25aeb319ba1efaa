import { messageOf } from '../../shared/errors.js';
import { BrokerError, isDiskFull } from '../errors.js';
import type { CommitMeter } from '../store/index.js';
import type { Round } from './rolling.js';
import type { IndexedFrame } from './segment-index.js';

export interface FlushingDeps {
  readonly name: string;
  /** Writes a round to the disk. */
  readonly store: (round: Round) => Promise<void>;
  /** What was written into memory since this was last asked for. */
  readonly takeUnwritten: () => readonly Buffer[];
  /** What is on disk can be read. */
  readonly publish: () => void;
  /** Memory goes back to where the disk is. */
  readonly abandon: () => void;
  /** Asks for a `flush` soon. */
  readonly schedule: (flush: () => Promise<void>) => void;
  readonly onFailure: (error: unknown) => void;
  readonly meter: CommitMeter | undefined;
  /** Bytes of all logs that wait for the disk. */
  readonly pending: { bytes: number };
}

interface Waiter {
  readonly frame: IndexedFrame;
  resolve(): void;
  reject(error: unknown): void;
}

const bytesOf = (waiters: readonly Waiter[]): number => waiters.reduce((sum, { frame }) => sum + frame.bytes, 0);

/** Brings frames from memory to the disk, all at once that gathered while others were written. */
export function createFlushing(deps: FlushingDeps) {
  const { name, store, schedule, meter, pending } = deps;
  let gathering: Waiter[] = [];
  let flushing: Promise<void> | undefined;
  let refusal: BrokerError | undefined;
  /** Waits for a new segment, for when all events of the newest are to go. */
  let fresh: (() => void) | undefined;

  /** Puts memory back to where the disk is, or gives up. */
  function fail(cause: unknown, served: readonly Waiter[]): void {
    const full = isDiskFull(cause);
    const message = `the event log ${name} could not be written: ${full ? 'the disk is full' : messageOf(cause)}`;
    const error = new BrokerError(full ? 'PS_BROKER_DISK_FULL' : 'PS_BROKER_STORE_FAILED', message, { cause });
    if (!full) refusal = error;
    const refused = [...served, ...gathering];
    gathering = [];
    // Those that came meanwhile have numbers that follow on those of the failed ones: they go as well.
    deps.abandon();
    pending.bytes -= bytesOf(refused);
    for (const waiter of refused) waiter.reject(error);
    if (!full) deps.onFailure(error);
  }

  async function write(): Promise<void> {
    const [served, anew] = [gathering, fresh];
    gathering = [];
    fresh = undefined;
    if (served.length === 0 && anew === undefined) return;
    const frames = served.map(({ frame }) => frame);
    const sinceMs = meter?.now() ?? 0;
    try {
      await store({ slices: deps.takeUnwritten(), frames, anew: anew !== undefined });
    } catch (cause) {
      fail(cause, served);
      return;
    } finally {
      anew?.();
    }
    const bytes = bytesOf(served);
    pending.bytes -= bytes;
    if (served.length > 0) meter?.committed({ durationMs: meter.now() - sinceMs, callers: served.length, bytes });
    deps.publish();
    for (const waiter of served) waiter.resolve();
  }

  function flush(): Promise<void> {
    flushing = write().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  return {
    /** Why nothing is taken any more. */
    refusal: (): BrokerError | undefined => refusal,

    /** Resolves when a frame is on disk that was just written into memory. */
    add(frame: IndexedFrame): Promise<void> {
      pending.bytes += frame.bytes;
      return new Promise((resolve, reject) => {
        gathering.push({ frame, resolve, reject });
        schedule(flush);
      });
    },

    /** Makes a new segment, so that the newest can be removed with all its events. */
    beginAnew(): Promise<void> {
      return new Promise((resolve) => {
        fresh = resolve;
        schedule(flush);
      });
    },

    /** Takes nothing more; resolves when what was taken is on disk. */
    async end(): Promise<void> {
      refusal ??= new BrokerError('PS_BROKER_STORE_CLOSED', 'the store is closing');
      while (gathering.length > 0 || flushing !== undefined)
        await (flushing ?? new Promise((resolve) => setImmediate(resolve)));
    },
  };
}
