import { ServiceBusAdministrationClient } from '@azure/service-bus';
import { toConsumeError } from '../consume-errors.js';
import type { EntityDirectory } from '../ports/inspect.js';
import { defaultCredential, type ServiceAccess } from './access.js';
import { nameOf } from './bus-client.js';

export interface EntityDirectoryOptions {
  /** PEM of an authority to trust beside the usual ones: that of an embedded broker. */
  readonly ca?: string | undefined;
}

/** The administration API behind the official SDK. */
export async function createEntityDirectory(
  access: ServiceAccess,
  { ca }: EntityDirectoryOptions = {},
): Promise<EntityDirectory> {
  const options = { retryOptions: { maxRetries: 1 }, ...(ca === undefined ? {} : { tlsOptions: { ca } }) };
  const client =
    'connectionString' in access
      ? new ServiceBusAdministrationClient(access.connectionString, options)
      : new ServiceBusAdministrationClient(access.namespace, await defaultCredential(), options);
  const naming = <T>(name: string, work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw toConsumeError(error, name);
    });

  return {
    facts: (source) =>
      naming(
        nameOf(source),
        (async () => {
          const [runtime, settings] =
            'queue' in source
              ? await Promise.all([client.getQueueRuntimeProperties(source.queue), client.getQueue(source.queue)])
              : await Promise.all([
                  client.getSubscriptionRuntimeProperties(source.topic, source.subscription),
                  client.getSubscription(source.topic, source.subscription),
                ]);
          return {
            activeMessages: runtime.activeMessageCount,
            deadLetters: runtime.deadLetterMessageCount,
            transferDeadLetters: runtime.transferDeadLetterMessageCount,
            requiresSession: settings.requiresSession,
          };
        })(),
      ),
    detectsDuplicates: (name) =>
      naming(
        name,
        client.queueExists(name).then(async (isQueue) => {
          const { requiresDuplicateDetection } = isQueue ? await client.getQueue(name) : await client.getTopic(name);
          return requiresDuplicateDetection;
        }),
      ),
  };
}
