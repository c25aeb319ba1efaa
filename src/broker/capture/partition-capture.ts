import { type BackoffOptions, backoffMs } from '../../shared/backoff.js';
import { type Clock, delay, msUntil } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import { eventEnqueuedAtMs } from '../message/index.js';
import type { LogEvent, PartitionRuntime } from '../namespace/index.js';
import type { Store } from '../store/index.js';
import type { CaptureDefinition } from '../topology/index.js';
import { archiveFile } from './archive.js';
import type { BlobWriter } from './blob-writer.js';
import { captureName } from './name.js';
import { type CaptureProgress, type PlannedFile, progressWrite } from './progress.js';
import type { createSlots } from './slots.js';
import { type ClosedWindow, createCaptureWindow } from './window.js';

export interface CaptureDeps {
  readonly store: Pick<Store, 'commit'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly blobs: BlobWriter;
  /** Bounds how many files are written at once, and with that the memory that they take. */
  readonly inSlot: ReturnType<typeof createSlots>;
}

export interface CaptureSource {
  readonly hub: string;
  readonly logId: number;
  readonly partition: Pick<PartitionRuntime, 'partitionId' | 'read' | 'subscribe'>;
  readonly definition: CaptureDefinition;
}

export interface PartitionCapture {
  /** Stops at once; what was not written yet is written after the next start. */
  stop(): Promise<void>;
}

const READ_AT_ONCE = 1000;
/** New events are looked at together, not one by one. */
const GATHER_MS = 250;
/** Azurite has what it has acknowledged on its disk within 5 seconds, and without it after `kill -9`. */
const SETTLE_MS = 10_000;
const BACKOFF: BackoffOptions = { firstDelayMs: 500, maxDelayMs: 30_000 };

/**
 * Captures one partition: finds out where a file ends, makes that durable, writes the file until it is written, and goes on
 * from there. It holds no events but those on their way: while the storage is away they stay in the hub, for as long as
 * the hub keeps them.
 */
export function startPartitionCapture(
  deps: CaptureDeps,
  source: CaptureSource,
  progress: CaptureProgress,
): PartitionCapture {
  const { clock, store, logger } = deps;
  const { partition, definition, logId, hub } = source;
  const { partitionId } = partition;
  const stopped = new AbortController();
  const { signal } = stopped;
  const { intervalMs, sizeLimitBytes, skipEmptyArchives: skipEmpty, container, encoding } = definition;
  const window = createCaptureWindow({ intervalMs, sizeLimitBytes, skipEmpty }, progress.position);
  let fresh = false;
  let nap = new AbortController();
  const unsubscribe = partition.subscribe(() => {
    fresh = true;
    nap.abort();
  });
  signal.addEventListener('abort', () => nap.abort());

  /** Waits until there may be new events, or until `timeMs`. */
  async function idle(timeMs: number): Promise<void> {
    nap = new AbortController();
    if (!fresh && !signal.aborted) await delay(clock, Math.max(0, timeMs - clock.now()), nap.signal);
    if (fresh) await delay(clock, Math.min(GATHER_MS, intervalMs), signal);
  }

  function offer(events: readonly LogEvent[], from: number): ClosedWindow | undefined {
    const lost = (events[0]?.sequence ?? from) - from;
    if (lost > 0) logger.warn({ hub, partitionId, lost }, 'the hub forgot events before they were captured');
    for (const { sequence, record } of events) {
      const closed = window.offer({ sequence, enqueuedAtMs: eventEnqueuedAtMs(record), bytes: record.length });
      if (closed) return closed;
    }
    return undefined;
  }

  async function nextWindow(): Promise<ClosedWindow | undefined> {
    while (!signal.aborted) {
      fresh = false;
      const from = window.nextSequence();
      const events = await partition.read(from, READ_AT_ONCE);
      const closed = events.length > 0 ? offer(events, from) : window.tick(clock.now());
      if (closed) return closed;
      if (events.length === 0) await idle(window.dueAtMs());
    }
    return undefined;
  }

  const planOf = ({ namedMs, firstSequence, endSequence }: ClosedWindow): PlannedFile => {
    const { namespace, nameFormat } = definition;
    const name = captureName(nameFormat, { namespace, hub, partitionId, timeMs: namedMs });
    return { container, name, encoding, firstSequence, endSequence };
  };

  async function* eventsOf({ firstSequence, endSequence }: PlannedFile): AsyncGenerator<readonly LogEvent[]> {
    for (let at = firstSequence; at < endSequence; ) {
      const found = await partition.read(at, Math.min(READ_AT_ONCE, endSequence - at));
      // The hub may have forgotten some, and answers with later ones.
      const wanted = found.filter(({ sequence }) => sequence < endSequence);
      if (wanted.length === 0) return;
      yield wanted;
      at = (wanted.at(-1) as LogEvent).sequence + 1;
    }
  }

  async function write(plan: PlannedFile): Promise<boolean> {
    const { name } = plan;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const content = () => archiveFile(name, plan.encoding, eventsOf(plan));
        await deps.inSlot(() => deps.blobs.write({ container: plan.container, name }, content(), signal));
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        const waitMs = BACKOFF.firstDelayMs / 2 + backoffMs(attempt, BACKOFF, deps.random);
        logger.warn(
          { container: plan.container, name, waitMs, how: messageOf(error) },
          'a capture file is not written',
        );
        await delay(clock, waitMs, signal);
      }
    }
    return false;
  }

  let kept = progress;
  const keep = (change: Partial<CaptureProgress>) => {
    kept = { ...kept, ...change };
    return store.commit([progressWrite(logId, kept)]);
  };

  /** Lets go of a file once it was there for a while, and writes one that has gone again. */
  async function settle(file: PlannedFile, dueAtMs: number): Promise<void> {
    for (let waitMs = msUntil(clock, dueAtMs, SETTLE_MS); !signal.aborted; waitMs = SETTLE_MS) {
      await delay(clock, waitMs, signal);
      // Undefined while it is away: it is asked again.
      const found = signal.aborted ? undefined : await deps.blobs.has(file, signal).catch(() => undefined);
      if (found === true) {
        await keep({ settling: kept.settling?.filter((other) => other !== file) ?? [] });
        return;
      }
      if (found === undefined) continue;
      const { container, name } = file;
      logger.warn({ container, name }, 'the storage has lost a capture file that it had taken: it is written again');
      await write(file);
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      const { plan } = kept;
      if (plan !== undefined) {
        if (!(await write(plan))) return;
        await keep({ plan: undefined, settling: [...(kept.settling ?? []), plan] });
        settleLater(plan);
      }
      const closed = await nextWindow();
      if (closed === undefined) return;
      await keep({ position: closed.next, plan: planOf(closed) });
    }
  }

  const ended = (error: unknown) => logger.error({ err: error, hub, partitionId }, 'capture of a partition ended');
  /** One after the other, as they were written. */
  let settled: Promise<void> = Promise.resolve();
  const settleLater = (file: PlannedFile) => {
    const dueAtMs = clock.now() + SETTLE_MS;
    settled = settled.then(() => settle(file, dueAtMs)).catch(ended);
  };
  for (const file of kept.settling ?? []) settleLater(file);
  const running = run().catch(ended).finally(unsubscribe);
  return {
    async stop() {
      stopped.abort();
      await running;
      await settled;
    },
  };
}
