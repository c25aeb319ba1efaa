import type { PartitionRuntime } from '../namespace/index.js';
import type { Store } from '../store/index.js';
import type { CaptureDefinition } from '../topology/index.js';
import type { BlobWriter } from './blob-writer.js';
import { createFileWriting, type FileWritingDeps } from './file-writing.js';
import { captureName } from './name.js';
import { type CaptureProgress, type PlannedFile, progressWrite } from './progress.js';
import { createSettling } from './settling.js';
import { type ClosedWindow, createCaptureWindow } from './window.js';
import { createWindowWatch } from './window-watch.js';

export interface CaptureDeps extends FileWritingDeps {
  readonly store: Pick<Store, 'commit'>;
  readonly blobs: BlobWriter;
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

/** New events are looked at together, not one by one. */
const GATHER_MS = 250;

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
  const { clock, store, logger, blobs } = deps;
  const { partition, definition, logId, hub } = source;
  const { partitionId } = partition;
  const stopped = new AbortController();
  const { signal } = stopped;
  const { intervalMs, sizeLimitBytes, skipEmptyArchives: skipEmpty } = definition;
  const onError = (error: unknown) => logger.error({ err: error, hub, partitionId }, 'capture of a partition ended');
  const watch = createWindowWatch({
    ...{ clock, partition, signal },
    window: createCaptureWindow({ intervalMs, sizeLimitBytes, skipEmpty }, progress.position),
    gatherMs: Math.min(GATHER_MS, intervalMs),
    onLost: (lost) => logger.warn({ hub, partitionId, lost }, 'the hub forgot events before they were captured'),
  });
  const write = createFileWriting(deps, partition, signal);

  let kept = progress;
  const keep = (change: Partial<CaptureProgress>) => {
    kept = { ...kept, ...change };
    return store.commit([progressWrite(logId, kept)]);
  };
  const settling = createSettling({
    ...{ clock, logger, blobs, write, onError, signal },
    onSettled: (file) => keep({ settling: kept.settling?.filter((other) => other !== file) ?? [] }),
  });

  async function run(): Promise<void> {
    for (;;) {
      const { plan } = kept;
      if (plan !== undefined) {
        if (!(await write(plan))) return;
        await keep({ plan: undefined, settling: [...(kept.settling ?? []), plan] });
        settling.add(plan);
      }
      const closed = await watch.next();
      if (closed === undefined) return;
      await keep({ position: closed.next, plan: planOf(source, closed) });
    }
  }

  for (const file of kept.settling ?? []) settling.add(file);
  const running = run().catch(onError).finally(watch.unsubscribe);
  return {
    async stop() {
      stopped.abort();
      await running;
      await settling.ended();
    },
  };
}

function planOf({ hub, partition: { partitionId }, definition }: CaptureSource, closed: ClosedWindow): PlannedFile {
  const { namespace, nameFormat, container, encoding } = definition;
  const { namedMs, firstSequence, endSequence } = closed;
  const name = captureName(nameFormat, { namespace, hub, partitionId, timeMs: namedMs });
  return { container, name, encoding, firstSequence, endSequence };
}
