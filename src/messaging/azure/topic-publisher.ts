import { ServiceBusClient, type ServiceBusMessageBatch, type ServiceBusSender } from '@azure/service-bus';
import { EVENT_CONTENT_TYPE, type TopicMessage } from '../../events/index.js';
import { systemClock } from '../../shared/clock.js';
import { PublishError } from '../errors.js';
import type { TopicPublisher } from '../ports/publish.js';
import { defaultCredential, type ServiceAccess } from './access.js';
import { createTopicEncoder } from './encode-topic-batch.js';
import { createEncodedTopicBatch, takesEncodedBatches } from './encoded-batch.js';
import type { PublisherOptions } from './hub-publisher.js';
import { toPublishError } from './publish-errors.js';
import { createSessions } from './sessions.js';

interface TopicClient {
  readonly client: ServiceBusClient;
  readonly sender: ServiceBusSender;
}

/** A topic behind the official SDK. Connects on first use, and again by itself after a loss. */
export function createTopicPublisher(access: ServiceAccess, topic: string, options: PublisherOptions): TopicPublisher {
  // An outage has to be seen at once, by those who wait; trying again is up to them.
  const retryOptions = { maxRetries: 0, timeoutInMs: options.timeoutMs };
  const sessions = createSessions<TopicClient>({
    clock: systemClock,
    open: async () => {
      const client =
        'connectionString' in access
          ? new ServiceBusClient(access.connectionString, { retryOptions })
          : new ServiceBusClient(access.namespace, await defaultCredential(), { retryOptions });
      return { client, sender: client.createSender(topic) };
    },
    connectionOf: ({ client }) =>
      (client as unknown as { _connectionContext?: { connection?: unknown } })._connectionContext?.connection,
    close: async ({ client, sender }) => {
      await sender.close();
      await client.close();
    },
  });
  const told = (what: string) => (error: unknown) => {
    throw toPublishError(error, `topic ${topic}: ${what}`);
  };

  /** Learnt from the SDK's own batches; where it does not take encoded ones, it encodes by itself. */
  let encode: ReturnType<typeof createTopicEncoder> | undefined;

  /** As many messages from the front as one batch can hold. */
  async function fill(sender: ServiceBusSender, messages: readonly TopicMessage[], abortSignal: AbortSignal) {
    if (encode !== undefined) {
      const { message, count } = encode(messages);
      return createEncodedTopicBatch(count, message);
    }
    const batch = await sender.createMessageBatch({ abortSignal });
    for (const message of messages) if (!tryAdd(batch, message)) break;
    return batch;
  }

  return {
    probe: () =>
      sessions
        .probe(options.timeoutMs, async ({ client, sender }, abortSignal) => {
          // The size limit of a batch is the link's: asking for one opens the link. One that is open answers without the
          // broker, so another is opened, and closed again.
          const asking = client.createSender(topic);
          await asking.createMessageBatch({ abortSignal }).finally(() => void asking.close().catch(() => {}));
          const batch = await sender.createMessageBatch({ abortSignal });
          encode = takesEncodedBatches(batch) ? createTopicEncoder(batch.maxSizeInBytes) : undefined;
        })
        .catch(told('could not be reached')),

    send: (messages) =>
      sessions
        .run(async ({ sender }, abortSignal) => {
          const batch = await fill(sender, messages, abortSignal);
          if (batch.count === 0) throw new PublishError('PS_PUBLISH_TOO_LARGE', 'the message alone is too large');
          await sender.sendMessages(batch, { abortSignal });
          return batch.count;
        })
        .catch(told('did not take a batch')),

    onLost: sessions.onLost,
    close: sessions.close,
  };
}

function tryAdd(batch: ServiceBusMessageBatch, message: TopicMessage): boolean {
  return batch.tryAddMessage({
    body: Buffer.from(message.body),
    contentType: EVENT_CONTENT_TYPE,
    messageId: message.messageId,
    applicationProperties: { ...message.applicationProperties },
  });
}
