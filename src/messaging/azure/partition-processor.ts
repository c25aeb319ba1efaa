import type { EventHubConsumerClient, Subscription } from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import type { ContainerClient } from '@azure/storage-blob';
import { systemClock } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import { ConsumeError, toConsumeError } from '../consume-errors.js';
import type { PartitionHandler, PartitionPosition, PartitionProcessor } from '../ports/consume.js';
import type { ServiceAccess } from './access.js';
import { createBlobStore, makeContainer, storageTime } from './blob-container.js';
import { createCheckpointWriter } from './checkpoint-writer.js';
import {
  createHubConsumer,
  factsOf,
  type HubGroup,
  hubFactsOf,
  receiveOptions,
  toPartitionEvent,
} from './hub-consumer.js';
import { createInTime, defaultInTimeOptions, type InTime } from './in-time.js';
import { createLeaseAges } from './lease-ages.js';

export interface PartitionProcessorOptions extends HubGroup {
  /** How often ownership is renewed and free partitions are looked for. */
  readonly updateIntervalMs: number;
  /** An owner that did not renew for this long has lost its partitions. */
  readonly ownershipExpiryMs: number;
}

/** On one machine a reader that was killed is replaced within seconds; in the cloud storage calls cost money. */
export const oneMachineBalancing = { updateIntervalMs: 1_000, ownershipExpiryMs: 6_000 } as const;
export const cloudBalancing = { updateIntervalMs: 10_000, ownershipExpiryMs: 45_000 } as const;

/** Hub events (packs of up to some hundred kilobytes) given to the handler at once, and read ahead. */
const MAX_BATCH = 32;
const PREFETCH = 64;

/**
 * Partition ownership by leases in Blob, through the official SDK's event processor, whose receivers have owner level 0:
 * a new owner's disconnects the one before. Where reading resumes is asked of the handler, whose own state is the
 * authority, in place of the checkpoint that the SDK would look up.
 */
export async function createPartitionProcessor(
  access: ServiceAccess,
  container: ContainerClient,
  options: PartitionProcessorOptions,
  onError: (error: Error, partitionId: string) => void,
): Promise<PartitionProcessor> {
  const checkpoints = new BlobCheckpointStore(container);
  const judgeLeases = createLeaseAges({
    now: () => systemClock.now(),
    steadyMs: () => performance.now(),
    storeMs: () => storageTime(container),
  });
  const inTime = createInTime(defaultInTimeOptions);
  const leasesInTime: InTime = (ask) =>
    inTime(ask).catch((error: unknown) => {
      throw toConsumeError(error, 'leases of the partitions');
    });
  const { hub, consumerGroup } = options;
  let client: EventHubConsumerClient | undefined;
  let handler: PartitionHandler | undefined;
  let subscription: Subscription | undefined;
  const scope = () => ({
    fullyQualifiedNamespace: client?.fullyQualifiedNamespace ?? '',
    eventHubName: hub,
    consumerGroup,
  });

  /** The SDK claims a partition, then at once asks for checkpoints to start it: it does so for one at a time. */
  let claimed: string | undefined;
  const resumingStore = {
    listOwnership(...[namespace, ofHub, group]: Parameters<BlobCheckpointStore['listOwnership']>) {
      return leasesInTime(async (abortSignal) => {
        const list = () => checkpoints.listOwnership(namespace, ofHub, group, { abortSignal });
        const leases = await list().catch(async (error: unknown) => {
          // It does not tell why.
          if (abortSignal.aborted || !(await makeContainer(container))) throw error;
          return list();
        });
        return judgeLeases(leases);
      });
    },
    updateCheckpoint: checkpoints.updateCheckpoint.bind(checkpoints),
    async claimOwnership(...[wanted]: Parameters<BlobCheckpointStore['claimOwnership']>) {
      const owned = await leasesInTime((abortSignal) => checkpoints.claimOwnership(wanted, { abortSignal }));
      claimed = owned[0]?.partitionId;
      return owned;
    },
    async listCheckpoints() {
      if (claimed === undefined || client === undefined || handler === undefined) return [];
      const [partitionId, asked] = [claimed, client];
      const opening = handler.open(partitionId, async () => {
        const [facts, ofHub] = await Promise.all([factsOf(asked, partitionId), hubFactsOf(asked, hub)]);
        return { ...facts, ...ofHub };
      });
      const position = await opening.catch((cause: unknown) => {
        const { code } = toConsumeError(cause, '');
        // The SDK does not say which one it was.
        throw new ConsumeError(code, `partition ${partitionId} cannot be opened: ${messageOf(cause)}`, { cause });
      });
      return position === undefined ? [] : [{ ...scope(), partitionId, ...position }];
    },
  };
  client = await createHubConsumer(access, options, {
    store: resumingStore,
    options: {
      strategy: 'greedy',
      updateIntervalInMs: options.updateIntervalMs,
      partitionOwnershipExpirationIntervalInMs: options.ownershipExpiryMs,
    },
  });
  const consumer = client;
  const { fullyQualifiedNamespace } = scope();
  const folder = `${fullyQualifiedNamespace}/${hub}/${consumerGroup}/checkpoint`.toLowerCase();
  const checkpointWriter = createCheckpointWriter(createBlobStore(container), folder);

  return {
    async start(partitionHandler) {
      handler = partitionHandler;
      subscription = consumer.subscribe(
        {
          processEvents: async (events, { partitionId }) => {
            await partitionHandler.process(
              partitionId,
              events.map((event) => toPartitionEvent(partitionId, event)),
            );
          },
          processError: async (error, { partitionId }) =>
            onError(toConsumeError(error, partitionId === '' ? `hub ${hub}` : `partition ${partitionId}`), partitionId),
          processClose: (_reason, { partitionId }) => partitionHandler.close(partitionId),
        },
        { ...receiveOptions, maxBatchSize: MAX_BATCH, prefetchCount: PREFETCH, startPosition: { offset: '-1' } },
      );
    },
    checkpoint: (partitionId: string, position: PartitionPosition, ownerEpoch: number) =>
      checkpointWriter.write(partitionId, position, ownerEpoch),
    async stop() {
      try {
        await subscription?.close();
        await consumer.close();
      } catch (error) {
        throw toConsumeError(error, `hub ${hub}`);
      }
    },
  };
}
