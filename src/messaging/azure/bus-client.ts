import { ServiceBusClient, type ServiceBusReceiver, type ServiceBusReceiverOptions } from '@azure/service-bus';
import type { MessageSource, SubQueue } from '../ports/inspect.js';
import { defaultCredential, type ServiceAccess } from './access.js';

/** Somebody waits for the answer: better an error soon than a success some time. */
const retryOptions = { maxRetries: 1, retryDelayInMs: 500, timeoutInMs: 10_000 };

export const connectBus = async (access: ServiceAccess): Promise<ServiceBusClient> =>
  'connectionString' in access
    ? new ServiceBusClient(access.connectionString, { retryOptions })
    : new ServiceBusClient(access.namespace, await defaultCredential(), { retryOptions });

/** Bodies stay bytes and dates stay dates; messages may have no id, which the SDK's renewal of locks cannot do without. */
const unchanged = {
  skipParsingBodyAsJson: true,
  skipConvertingDate: true,
  maxAutoLockRenewalDurationInMs: 0,
} as const satisfies ServiceBusReceiverOptions;

export function receiverOf(
  client: ServiceBusClient,
  source: MessageSource,
  options: { readonly subQueue?: SubQueue | undefined; readonly receiveMode?: 'peekLock' | 'receiveAndDelete' } = {},
): ServiceBusReceiver {
  const { subQueue, receiveMode = 'peekLock' } = options;
  const given: ServiceBusReceiverOptions = {
    ...unchanged,
    receiveMode,
    ...(subQueue === undefined ? {} : { subQueueType: subQueue }),
  };
  return 'queue' in source
    ? client.createReceiver(source.queue, given)
    : client.createReceiver(source.topic, source.subscription, given);
}

export const nameOf = (source: MessageSource): string =>
  'queue' in source ? source.queue : `${source.topic}/${source.subscription}`;
