import type { PartitionHandler, PartitionOfHub, PartitionProcessor, TopicPublisher } from '../messaging/index.js';
import type { Clock } from '../shared/clock.js';
import type { BehaviourDefinition } from '../shared/config/index.js';
import type { Logger } from '../shared/logger.js';
import { createOfferSender } from './behaviour/offer-sender.js';
import { allMetrics } from './metrics/index.js';
import type { AggregatorOptions } from './options.js';
import { createPartitionSession, type PartitionSession, type SessionOptions } from './session/partition-session.js';
import type { Owner } from './sink/owner.js';
import type { LiveSink } from './sink/redis-sink.js';
import { createPartitionState } from './state/partition.js';
import type { SavedState } from './state/saved.js';
import type { OwnedState, StateStore } from './state/store.js';
import { whereabouts } from './whereabouts.js';

export interface AggregatorDeps {
  readonly processor: Pick<PartitionProcessor, 'checkpoint'>;
  readonly sink: LiveSink;
  readonly states: StateStore;
  /** Where offers go. Without one no behaviour is looked for. */
  readonly topic: Pick<TopicPublisher, 'send'> | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

export interface AggregatorConfig {
  readonly aggregator: AggregatorOptions;
  readonly session: SessionOptions;
  readonly behaviours: readonly BehaviourDefinition[];
}

const SINK_WAIT_MS = 10_000;

/** 32 random bits. */
const wordOf = (random: () => number) => Math.floor(random() * 2 ** 32);

/** Keeps the live figures of every partition that this process owns. */
export function createAggregator(deps: AggregatorDeps, config: AggregatorConfig): PartitionHandler {
  const { sink, states, topic, clock, random, logger } = deps;
  const behaviours = topic === undefined ? [] : config.behaviours;
  const sessions = new Map<string, PartitionSession>();
  const stops = new Map<string, string>();
  const failing = new Set<string>();
  /** Said once of a metric. */
  const onFailure = (metric: string, error: unknown) => {
    if (failing.has(metric)) return;
    failing.add(metric);
    const { name, place } = whereabouts(error);
    logger.error({ metric, err: name, at: place }, 'the code of a metric throws: events are left out of it');
  };
  /** Ours alone from now on, in Blob and in Redis. */
  const claim = async (partitionId: string): Promise<OwnedState> => {
    const owned = await states.claim(partitionId);
    const ownerOf = () => ({ partition: partitionId, epoch: owned.epoch });
    for (let known = await sink.claim(ownerOf()); known > owned.epoch; known = await sink.claim(ownerOf())) {
      // Either there is a later owner already, which this throws, or the epochs of a lost storage account are in Redis.
      await owned.raiseAbove(known);
      if (owned.saved === undefined)
        logger.warn({ partitionId }, 'the saved state is gone: counting anew what the hub retains');
    }
    return owned;
  };
  /** What is shown is removed, and what comes is of this hub. */
  const replaceShown = async (owner: Owner, facts: object): Promise<void> => {
    const told = { partitionId: owner.partition, hubCreatedAtMs: owner.hubCreatedAtMs, ...facts };
    logger.warn(told, 'what is saved or shown is of another hub of this name: it is removed');
    await sink.forget(owner);
    await sink.adopt(owner);
  };
  /** The saved state, if it fits what the hub has now. What is shown of another hub is removed. */
  const fitting = async (partition: PartitionOfHub, owned: OwnedState): Promise<SavedState | undefined> => {
    const { saved, savedHubCreatedAtMs, epoch } = owned;
    const { partitionId, hubCreatedAtMs, lastSequenceNumber: last } = partition;
    const owner = { partition: partitionId, epoch, hubCreatedAtMs };
    const sequenceNumber = saved?.position.sequenceNumber ?? -1;
    const known = savedHubCreatedAtMs !== undefined && hubCreatedAtMs !== undefined;
    const isOfAnother = (known && savedHubCreatedAtMs !== hubCreatedAtMs) || sequenceNumber > last;
    if (isOfAnother || !(await sink.adopt(owner, last)))
      await replaceShown(owner, { saved: saved && sequenceNumber, last, savedHubCreatedAtMs });
    if (saved === undefined || isOfAnother) {
      if (isOfAnother || hubCreatedAtMs !== savedHubCreatedAtMs) await owned.startAnew(hubCreatedAtMs);
      return undefined;
    }
    if (!partition.empty && sequenceNumber + 1 < partition.firstSequenceNumber) {
      const missed = partition.firstSequenceNumber - sequenceNumber - 1;
      logger.warn({ partitionId, missed }, 'hub events were past their retention before they were counted');
    }
    return saved;
  };

  const close = async (partitionId: string) => {
    const session = sessions.get(partitionId);
    if (session === undefined) return;
    // It stays until it is closed, so that who opens the partition again meanwhile waits for its last save.
    await session.close();
    if (sessions.get(partitionId) !== session) return;
    sessions.delete(partitionId);
    logger.info({ partitionId }, 'partition closed');
  };

  return {
    async open(partitionId, ask) {
      await close(partitionId);
      await sink.ready(SINK_WAIT_MS);
      const owned = await claim(partitionId);
      // Not before: until then the owner before may read, and save, what came to the hub after it was asked.
      const partition = await ask();
      const saved = await fitting(partition, owned);
      if (partition.partitionIds !== undefined) await sink.forgetOthers(partition.partitionIds);
      const seed = [wordOf(random), wordOf(random)] as const;
      const state = createPartitionState(config.aggregator, { ...allMetrics, behaviours, seed, onFailure }, saved);
      const sending = { partitionId, outbox: state.outbox, clock, random, logger };
      const owner = { partition: partitionId, epoch: owned.epoch, hubCreatedAtMs: partition.hubCreatedAtMs };
      const session = createPartitionSession(
        {
          owner,
          state,
          sink,
          save: (saving) => owned.save(saving, partition.hubCreatedAtMs),
          // How far the hub is by now nobody asks; when it was made stays.
          adopt: async () => {
            if (!(await sink.adopt(owner))) await replaceShown(owner, {});
          },
          checkpoint: (position) => deps.processor.checkpoint(partitionId, position, owner.epoch),
          offers: topic && createOfferSender({ ...sending, topic }),
          stops,
          ...{ clock, random, logger },
        },
        config.session,
      );
      sessions.set(partitionId, session);
      logger.info(
        { partitionId, epoch: owner.epoch, from: saved?.position.sequenceNumber ?? 'earliest' },
        'partition opened',
      );
      return saved?.position;
    },
    async process(partitionId, events) {
      await sessions.get(partitionId)?.process(events);
    },
    close,
  };
}
