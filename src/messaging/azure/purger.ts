import type { ServiceBusClient, ServiceBusReceiver } from '@azure/service-bus';
import { toConsumeError } from '../consume-errors.js';
import type { MessageSource, Purger, SubQueue } from '../ports/inspect.js';
import { codeOfSdkError } from '../sdk-code.js';
import type { ServiceAccess } from './access.js';
import { connectBus, nameOf, receiverOf } from './bus-client.js';

const WAIT_MS = 2_000;

/** How the SDK says that no session has messages. */
const NO_SESSION = { ServiceTimeout: 'none', SessionCannotBeLocked: 'none' } as const;

const acceptSession = (client: ServiceBusClient, source: MessageSource): Promise<ServiceBusReceiver> => {
  const options = { receiveMode: 'receiveAndDelete', skipParsingBodyAsJson: true } as const;
  return 'queue' in source
    ? client.acceptNextSession(source.queue, options)
    : client.acceptNextSession(source.topic, source.subscription, options);
};

/** Removes messages of a queue or subscription, or of its dead letters, behind the official SDK. */
export async function createPurger(
  access: ServiceAccess,
  source: MessageSource,
  { subQueue, sessions }: { readonly subQueue?: SubQueue | undefined; readonly sessions: boolean },
): Promise<Purger> {
  const client = await connectBus(access);
  let receiver: ServiceBusReceiver | undefined = sessions
    ? undefined
    : receiverOf(client, source, { subQueue, receiveMode: 'receiveAndDelete' });

  /** The next session with messages; undefined when there is none. */
  async function nextSession(): Promise<ServiceBusReceiver | undefined> {
    try {
      return await acceptSession(client, source);
    } catch (error) {
      if (codeOfSdkError(error, NO_SESSION) === 'none') return undefined;
      throw error;
    }
  }

  return {
    async remove(count) {
      try {
        for (;;) {
          receiver ??= await nextSession();
          if (receiver === undefined) return 0;
          const { length } = await receiver.receiveMessages(count, { maxWaitTimeInMs: WAIT_MS });
          if (length > 0 || !sessions) return length;
          await receiver.close();
          receiver = undefined;
        }
      } catch (error) {
        throw toConsumeError(error, nameOf(source));
      }
    },
    close: () => client.close(),
  };
}
