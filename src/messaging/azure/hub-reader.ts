import type { ReceivedEventData } from '@azure/event-hubs';
import { toConsumeError } from '../consume-errors.js';
import type { HubReader, PartitionEvent } from '../ports/consume.js';
import type { ServiceAccess } from './access.js';
import { createHubConsumer, factsOf, type HubGroup, receiveOptions, toPartitionEvent } from './hub-consumer.js';

const MAX_BATCH = 16;
/**
 * Hub events on their way to us, over all partitions, of which each may be a pack of 120 KB. The SDK looks for what has
 * come every 20 ms: with fewer on their way a hub of small ones is read at a thousand a second and partition, whatever
 * the machine.
 */
const READ_AHEAD = 1024;
const MAX_PREFETCH = 256;

/** Reads a hub without leases: any number of readers, none of which disturbs another. */
export async function createHubReader(access: ServiceAccess, group: HubGroup): Promise<HubReader> {
  const client = await createHubConsumer(access, group);
  let prefetchCount = 2 * MAX_BATCH;
  return {
    async partitions() {
      try {
        const ids = await client.getPartitionIds();
        prefetchCount = Math.max(MAX_BATCH, Math.min(MAX_PREFETCH, Math.floor(READ_AHEAD / ids.length)));
        return await Promise.all(ids.map((id) => factsOf(client, id)));
      } catch (error) {
        throw toConsumeError(error, `hub ${group.hub}`);
      }
    },
    async *read(partitionId, fromMs) {
      const exchange = createExchange<readonly ReceivedEventData[]>();
      const subscription = client.subscribe(
        partitionId,
        {
          processEvents: async (events) => {
            if (events.length > 0) await exchange.offer(events);
          },
          processError: async (error) => exchange.fail(toConsumeError(error, `partition ${partitionId}`)),
        },
        {
          ...receiveOptions,
          maxBatchSize: MAX_BATCH,
          prefetchCount,
          // The service reads on after this time.
          startPosition: { enqueuedOn: Math.max(0, fromMs - 1) },
        },
      );
      try {
        for (;;) {
          const events = await exchange.take();
          yield events.map((event): PartitionEvent => toPartitionEvent(partitionId, event));
        }
      } finally {
        exchange.end();
        await subscription.close();
      }
    },
    async close() {
      await client.close();
    },
  };
}

/** Hands values over one at a time: `offer` resolves when its value was taken and the next is asked for. */
function createExchange<T>() {
  let value: { item: T; taken: () => void } | undefined;
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  let release: (() => void) | undefined;
  let ended = false;
  const notify = () => {
    wake?.();
    wake = undefined;
  };
  return {
    offer(item: T): Promise<void> {
      if (ended) return Promise.resolve();
      return new Promise((resolve) => {
        value = { item, taken: resolve };
        notify();
      });
    },
    fail(error: Error) {
      failure = error;
      notify();
    },
    async take(): Promise<T> {
      release?.();
      release = undefined;
      while (value === undefined) {
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const { item, taken } = value;
      value = undefined;
      release = taken;
      return item;
    },
    end() {
      ended = true;
      release?.();
      value?.taken();
    },
  };
}
