import type { SubscriptionReceiver } from '../messaging/index.js';
import type { Consumer } from './consumer.js';

export interface RunningConsumer {
  stop(): Promise<void>;
}

/** Gives the messages of a subscription to a consumer until it is stopped. */
export async function runConsumer(receiver: SubscriptionReceiver, consumer: Consumer): Promise<RunningConsumer> {
  await receiver.start(consumer.handle);
  return {
    async stop() {
      const stopped = receiver.stop();
      consumer.abort?.();
      await stopped.finally(() => consumer.close());
    },
  };
}
