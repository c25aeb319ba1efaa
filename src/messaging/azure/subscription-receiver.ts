import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import { ConsumeError, toConsumeError } from '../consume-errors.js';
import type { MessageHandler, MessageVerdict, ReceivedMessage, SubscriptionReceiver } from '../ports/consume.js';
import { defaultCredential, type ServiceAccess } from './access.js';
import { recoverLostConnections } from './lost-connections.js';

export interface SubscriptionReceiverOptions {
  readonly topic: string;
  readonly subscription: string;
  /** Messages in hand at once. */
  readonly concurrency: number;
}

const retryOptions = { maxRetries: 2, retryDelayInMs: 500, maxRetryDelayInMs: 5_000, timeoutInMs: 10_000 };

/** A subscription behind the official SDK, which reconnects by itself for as long as it takes. */
export async function createSubscriptionReceiver(
  access: ServiceAccess,
  options: SubscriptionReceiverOptions,
  onError: (error: Error) => void,
): Promise<SubscriptionReceiver> {
  const name = `subscription ${options.topic}/${options.subscription}`;
  const client =
    'connectionString' in access
      ? new ServiceBusClient(access.connectionString, { retryOptions })
      : new ServiceBusClient(access.namespace, await defaultCredential(), { retryOptions });
  /** Fails the settlements under way: what was locked over a connection that is lost cannot be settled any more. */
  let losses = 0;
  const settling = new Set<(error: ConsumeError) => void>();
  recoverLostConnections((client as unknown as { _connectionContext?: unknown })._connectionContext, () => {
    losses++;
    for (const fail of settling) fail(new ConsumeError('PS_CONSUME_LOST', 'the connection was lost'));
  });
  const receiver = client.createReceiver(options.topic, options.subscription, {
    receiveMode: 'peekLock',
    skipParsingBodyAsJson: true,
    // Handlers are done before the lock ends, so nothing is to be renewed.
    maxAutoLockRenewalDurationInMs: 0,
  });
  const inHand = new Set<Promise<void>>();
  let subscription: { close(): Promise<void> } | undefined;

  const settle = async (message: ServiceBusReceivedMessage, handler: MessageHandler) => {
    const lossesBefore = losses;
    const verdict = await handler(toReceivedMessage(message)).catch((error: unknown) => {
      onError(toConsumeError(error, `${name}: message ${message.messageId}`));
      return { outcome: 'abandon' } as const;
    });
    try {
      await new Promise<void>((resolve, reject) => {
        if (losses > lossesBefore) throw new ConsumeError('PS_CONSUME_LOST', 'the connection was lost');
        settling.add(reject);
        settleWith(message, verdict)
          .then(resolve, reject)
          .finally(() => settling.delete(reject));
      });
    } catch (error) {
      // It is delivered again when its lock ends.
      onError(toConsumeError(error, `${name}: ${verdict.outcome} of message ${message.messageId}`));
    }
  };

  const settleWith = (message: ServiceBusReceivedMessage, verdict: MessageVerdict): Promise<void> => {
    switch (verdict.outcome) {
      case 'complete':
        return receiver.completeMessage(message);
      case 'abandon':
        return receiver.abandonMessage(message);
      case 'dead-letter':
        return receiver.deadLetterMessage(message, {
          deadLetterReason: verdict.reason,
          deadLetterErrorDescription: verdict.description,
        });
    }
  };

  return {
    async start(handler) {
      subscription = receiver.subscribe(
        {
          processMessage: async (message) => {
            const work = settle(message, handler);
            inHand.add(work);
            await work.finally(() => inHand.delete(work));
          },
          processError: async ({ error }) => onError(toConsumeError(error, name)),
        },
        { autoCompleteMessages: false, maxConcurrentCalls: options.concurrency },
      );
    },
    async stop() {
      try {
        await subscription?.close();
        await Promise.allSettled(inHand);
        await receiver.close();
        await client.close();
      } catch (error) {
        throw toConsumeError(error, name);
      }
    },
  };
}

function toReceivedMessage(message: ServiceBusReceivedMessage): ReceivedMessage {
  return {
    messageId: String(message.messageId ?? ''),
    sequenceNumber: String(message.sequenceNumber ?? ''),
    enqueuedAtMs: message.enqueuedTimeUtc?.getTime() ?? 0,
    deliveryCount: message.deliveryCount ?? 0,
    lockedUntilMs: message.lockedUntilUtc?.getTime() ?? 0,
    body: message.body,
    applicationProperties: message.applicationProperties ?? {},
  };
}
