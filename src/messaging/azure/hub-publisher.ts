import { type EventData, EventHubProducerClient, type RetryOptions } from '@azure/event-hubs';
import { PACK_CONTENT_TYPE } from '../../events/index.js';
import { systemClock } from '../../shared/clock.js';
import type { HubPublisher } from '../ports/publish.js';
import { defaultCredential, type ServiceAccess } from './access.js';
import { encodeHubBatch } from './encode-hub-batch.js';
import { createEncodedHubBatch, takesEncodedBatches } from './encoded-batch.js';
import { toPublishError } from './publish-errors.js';
import { createSessions } from './sessions.js';

export interface PublisherOptions {
  /** How long one send, or one attempt to connect, may take. */
  readonly timeoutMs: number;
}

/** An event hub behind the official SDK. Connects on first use, and again by itself after a loss. */
export function createHubPublisher(access: ServiceAccess, hub: string, options: PublisherOptions): HubPublisher {
  // An outage has to be seen at once, by those who wait; trying again is up to them.
  const retryOptions: RetryOptions = { maxRetries: 0, timeoutInMs: options.timeoutMs };
  const sessions = createSessions<EventHubProducerClient>({
    clock: systemClock,
    open: async () =>
      'connectionString' in access
        ? new EventHubProducerClient(access.connectionString, hub, { retryOptions })
        : new EventHubProducerClient(access.namespace, hub, await defaultCredential(), { retryOptions }),
    connectionOf: (client) => (client as unknown as { _context?: { connection?: unknown } })._context?.connection,
    close: (client) => client.close(),
  });
  const told = (what: string) => (error: unknown) => {
    throw toPublishError(error, `hub ${hub}: ${what}`);
  };

  /** Learnt from the SDK's own batches; where it does not, it encodes by itself. */
  let sendsEncoded = false;

  return {
    describe: () =>
      sessions
        .probe(options.timeoutMs, async (client, abortSignal) => {
          const { partitionIds } = await client.getEventHubProperties({ abortSignal });
          // Opens every partition's link now, so that no visitor waits for it.
          const batches = await Promise.all(
            partitionIds.map((partitionId) => client.createBatch({ partitionId, abortSignal })),
          );
          sendsEncoded = batches.every(takesEncodedBatches);
          return {
            partitionCount: partitionIds.length,
            maxBatchBytes: Math.min(...batches.map((batch) => batch.maxSizeInBytes)),
          };
        })
        .catch(told('could not be reached')),

    send: (partition, bodies) =>
      sessions
        .run((client, abortSignal) => {
          if (sendsEncoded) {
            const message = encodeHubBatch(bodies, PACK_CONTENT_TYPE);
            return client.sendBatch(createEncodedHubBatch(String(partition), bodies.length, message), { abortSignal });
          }
          const events: EventData[] = bodies.map((body) => ({ body, contentType: PACK_CONTENT_TYPE }));
          return client.sendBatch(events, { partitionId: String(partition), abortSignal });
        })
        .catch(told(`partition ${partition} did not take a batch`)),

    onLost: sessions.onLost,
    close: sessions.close,
  };
}
