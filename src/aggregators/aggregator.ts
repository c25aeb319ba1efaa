import type { BlobStore, PartitionFacts, PartitionHandler, PartitionProcessor } from '../messaging/index.js';
import type { Clock } from '../shared/clock.js';
import { messageOf } from '../shared/errors.js';
import type { Logger } from '../shared/logger.js';
import { allMetrics } from './metrics/index.js';
import type { AggregatorOptions } from './options.js';
import { createPartitionSession, type PartitionSession, type SessionOptions } from './partition-session.js';
import type { LiveSink } from './sink/redis-sink.js';
import { createPartitionState, type PartitionState, type SavedState } from './state/partition.js';
import { decodeSnapshot, encodeSnapshot } from './state/snapshot.js';

/** A change of what the state means takes a new one; the figures are then made anew from what the hub retains. */
const STATE_GENERATION = 'g3';

export interface AggregatorDeps {
  readonly processor: Pick<PartitionProcessor, 'checkpoint'>;
  readonly sink: LiveSink;
  readonly states: BlobStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

export interface AggregatorConfig {
  /** Where the states are in the container: `<namespace>/<hub>/<group>`. */
  readonly prefix: string;
  readonly aggregator: AggregatorOptions;
  readonly session: SessionOptions;
}

const SINK_WAIT_MS = 10_000;

/** 32 random bits. */
const wordOf = (random: () => number) => Math.floor(random() * 2 ** 32);

/** Keeps the live figures of every partition that this process owns. */
export function createAggregator(deps: AggregatorDeps, config: AggregatorConfig): PartitionHandler {
  const { sink, states, clock, logger } = deps;
  const sessions = new Map<string, PartitionSession>();
  const blobName = (partitionId: string) => `${config.prefix}/state/${STATE_GENERATION}/${partitionId}`.toLowerCase();

  /** The saved state, if there is one that fits what the hub has now. */
  const load = async (partition: PartitionFacts): Promise<{ saved?: SavedState; version: string | undefined }> => {
    const { partitionId } = partition;
    const blob = await states.read(blobName(partitionId));
    if (blob === undefined) return { version: undefined };
    try {
      const saved = await decodeSnapshot(blob.bytes);
      const { sequenceNumber } = saved.position;
      if (sequenceNumber > partition.lastSequenceNumber) {
        logger.warn(
          { partitionId, saved: sequenceNumber, last: partition.lastSequenceNumber },
          'the saved state is ahead of the hub, so it is of another hub: starting anew',
        );
        await sink.forget(partitionId);
        return { version: blob.version };
      }
      if (!partition.empty && sequenceNumber + 1 < partition.firstSequenceNumber) {
        const missed = partition.firstSequenceNumber - sequenceNumber - 1;
        logger.warn({ partitionId, missed }, 'hub events were past their retention before they were counted');
      }
      return { saved, version: blob.version };
    } catch (error) {
      logger.warn(
        { partitionId, err: messageOf(error) },
        'the saved state is unreadable: counting what the hub retains',
      );
      return { version: blob.version };
    }
  };

  /** A state that is further on than what is stored replaces it, whoever wrote that; one that is behind does not. */
  const saver = (partitionId: string, firstVersion: string | undefined, startedAnew: boolean) => {
    let version = firstVersion;
    let replaceAny = startedAnew;
    return async (state: PartitionState) => {
      const saved = state.save();
      const bytes = await encodeSnapshot(saved);
      const metadata = { sequencenumber: String(saved.position.sequenceNumber) };
      for (;;) {
        const result = await states.write(blobName(partitionId), bytes, { metadata, ifVersion: version });
        if ('version' in result) {
          version = result.version;
          replaceAny = false;
          return saved.position;
        }
        version = result.conflict?.version;
        const stored = Number(result.conflict?.metadata['sequencenumber'] ?? -1);
        if (!replaceAny && stored >= saved.position.sequenceNumber) {
          logger.info({ partitionId, stored }, 'another owner saved a later state');
          return saved.position;
        }
      }
    };
  };

  const close = async (partitionId: string) => {
    const session = sessions.get(partitionId);
    if (session === undefined) return;
    sessions.delete(partitionId);
    await session.close();
    logger.info({ partitionId }, 'partition closed');
  };

  return {
    async open(partition) {
      const { partitionId } = partition;
      await close(partitionId);
      await sink.ready(SINK_WAIT_MS);
      const { saved, version } = await load(partition);
      const seed = [wordOf(deps.random), wordOf(deps.random)] as const;
      const state = createPartitionState(config.aggregator, { ...allMetrics, seed }, saved);
      const session = createPartitionSession(
        {
          partitionId,
          state,
          sink,
          save: saver(partitionId, version, saved === undefined),
          checkpoint: (position) => deps.processor.checkpoint(partitionId, position),
          clock,
          logger,
        },
        config.session,
      );
      sessions.set(partitionId, session);
      logger.info({ partitionId, from: saved?.position.sequenceNumber ?? 'earliest' }, 'partition opened');
      return saved?.position;
    },
    async process(partitionId, events) {
      await sessions.get(partitionId)?.process(events);
    },
    close,
  };
}
