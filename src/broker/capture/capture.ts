import type { Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { HubEntity, Namespace } from '../namespace/index.js';
import type { Store } from '../store/index.js';
import type { CaptureDefinition } from '../topology/index.js';
import type { BlobWriter } from './blob-writer.js';
import { type CaptureDeps, type PartitionCapture, startPartitionCapture } from './partition-capture.js';
import { forgetProgress, progressWrite, readProgress } from './progress.js';
import { createSlots } from './slots.js';

/** Each takes a few blocks of memory, and one storage account gives more to few writers than to many. */
const FILES_AT_ONCE = 4;

export interface CaptureServiceDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly namespace: Pick<Namespace, 'hubs' | 'watch'>;
  /** Undefined when no storage is configured: nothing is captured, and how far Capture has come is kept. */
  readonly blobs: BlobWriter | undefined;
}

export interface CaptureService {
  /** Resolves once everything that is sent from now on will be captured. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface RunningHub {
  readonly definition: CaptureDefinition;
  readonly partitions: readonly PartitionCapture[];
}

const same = (a: CaptureDefinition | undefined, b: CaptureDefinition | undefined) =>
  JSON.stringify(a) === JSON.stringify(b);

/** Event Hubs Capture for the hubs of a namespace: follows their settings and writes their events to blobs. */
export function createCapture(service: CaptureServiceDeps): CaptureService {
  const { store, clock, logger, namespace, blobs } = service;
  const running = new Map<HubEntity, RunningHub>();
  const inSlot = createSlots(FILES_AT_ONCE);
  let last: Promise<unknown> = Promise.resolve();
  let unwatch = () => {};

  async function startHub(deps: CaptureDeps, hub: HubEntity, definition: CaptureDefinition): Promise<void> {
    const { logIds, definition: hubDefinition } = hub.record;
    const partitions: PartitionCapture[] = [];
    for (const [index, partition] of hub.runtime.partitions.entries()) {
      const logId = logIds[index] as number;
      let progress = await readProgress(store, logId);
      if (progress === undefined) {
        // Capture begins with the first event after it was switched on.
        const position = { nextSequence: partition.facts().lastSequence + 1, openedAtMs: clock.now() };
        progress = { position };
        await store.commit([progressWrite(logId, progress)]);
      }
      const source = { hub: hubDefinition.name, logId, partition, definition };
      partitions.push(startPartitionCapture(deps, source, progress));
    }
    running.set(hub, { definition, partitions });
  }

  async function stopHub(hub: HubEntity): Promise<void> {
    const partitions = running.get(hub)?.partitions ?? [];
    running.delete(hub);
    await Promise.all(partitions.map((one) => one.stop()));
  }

  /** A hub that is switched on again later is captured from then on, not from where it was switched off. */
  async function forgetUncaptured(): Promise<void> {
    for (const { record } of namespace.hubs()) {
      if (record.definition.capture !== undefined) continue;
      const first = record.logIds[0];
      if (first === undefined || (await readProgress(store, first)) === undefined) continue;
      await store.commit(record.logIds.map(forgetProgress));
    }
  }

  /** Makes what runs agree with what the hubs say. */
  async function reconcile(): Promise<void> {
    const hubs = new Set(namespace.hubs());
    for (const hub of running.keys()) if (!hubs.has(hub)) await stopHub(hub);
    for (const hub of hubs) {
      const wanted = hub.record.definition.capture;
      const current = running.get(hub)?.definition;
      if (same(wanted, current)) continue;
      if (blobs === undefined) {
        logger.warn({ hub: hub.record.path }, 'nothing is captured: no storage account is configured');
        continue;
      }
      await stopHub(hub);
      if (wanted !== undefined) await startHub({ ...service, blobs, inSlot }, hub, wanted);
      else await store.commit(hub.record.logIds.map(forgetProgress));
    }
  }

  const inTurn = (): Promise<void> => {
    const done = last.then(reconcile);
    last = done.catch((error: unknown) => logger.error({ err: error }, 'capture could not follow the hubs'));
    return done;
  };

  return {
    async start() {
      await forgetUncaptured();
      unwatch = namespace.watch(inTurn);
      await inTurn();
    },
    async stop() {
      unwatch();
      await last;
      await Promise.all([...running.keys()].map(stopHub));
    },
  };
}
