import type { ReceivedEventData } from '@azure/event-hubs';
import { toConsumeError } from '../consume-errors.js';
import type { EventBrowser, SeenMessage } from '../ports/inspect.js';
import type { ServiceAccess } from './access.js';
import { createHubConsumer, factsOf, type HubGroup, receiveOptions } from './hub-consumer.js';

/** One partition of a hub behind the official SDK. */
export async function createEventBrowser(
  access: ServiceAccess,
  group: HubGroup,
  partitionId: string,
): Promise<EventBrowser> {
  const client = await createHubConsumer(access, group);
  return {
    async peek(fromSequenceNumber, count) {
      const facts = await factsOf(client, partitionId);
      const first = Math.max(fromSequenceNumber ?? 0, facts.firstSequenceNumber);
      // What comes later would have to be waited for.
      const last = Math.min(facts.lastSequenceNumber, first + count - 1);
      if (facts.empty || first > last) return [];
      const seen: SeenMessage[] = [];
      await new Promise<void>((resolve, reject) => {
        const subscription = client.subscribe(
          partitionId,
          {
            processEvents: async (events) => {
              for (const event of events) if (event.sequenceNumber <= last) seen.push(toSeen(event));
              if ((events.at(-1)?.sequenceNumber ?? -1) >= last) end();
            },
            processError: async (error) => end(toConsumeError(error, `partition ${partitionId}`)),
          },
          { ...receiveOptions, startPosition: { sequenceNumber: first, isInclusive: true } },
        );
        const end = (error?: Error) => {
          void subscription.close().then(() => (error === undefined ? resolve() : reject(error)), reject);
        };
      });
      return seen;
    },
    close: () => client.close(),
  };
}

const toSeen = (event: ReceivedEventData): SeenMessage => ({
  sequenceNumber: String(event.sequenceNumber),
  messageId: event.messageId === undefined ? undefined : String(event.messageId),
  state: 'active',
  enqueuedAtMs: event.enqueuedTimeUtc.getTime(),
  deliveryCount: 0,
  properties: {
    offset: String(event.offset),
    ...(event.partitionKey == null ? {} : { partitionKey: event.partitionKey }),
    ...(event.contentType === undefined ? {} : { contentType: event.contentType }),
  },
  applicationProperties: event.properties ?? {},
  body: event.body,
});
