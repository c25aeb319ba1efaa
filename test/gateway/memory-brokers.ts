import { type PenstockEvent, parsePack, type TopicMessage } from '../../src/events/index.js';
import {
  type HubPublisher,
  PublishError,
  type PublishErrorCode,
  type TopicPublisher,
} from '../../src/messaging/index.js';

/** Brokers in memory behind the gateway's ports, which keep what they settle and fail when they are told to. */
export function createMemoryBrokers(options: { partitionCount?: number; maxMessageBytes?: number } = {}) {
  const { maxMessageBytes = 256 * 1024 } = options;
  const state = {
    /** Set: every call fails with this code. */
    hubFailure: undefined as PublishErrorCode | undefined,
    topicFailure: undefined as PublishErrorCode | undefined,
    /** A hub that is made anew has other ones. */
    partitions: Array.from({ length: options.partitionCount ?? 4 }, (): PenstockEvent[] => []),
    messages: [] as TopicMessage[],
    /** Set: hubs answer when it is resolved. */
    hubWaits: undefined as Promise<void> | undefined,
    topicWaits: undefined as Promise<void> | undefined,
    /** Batches that hubs have been given and have not answered. */
    hubSends: 0,
    closed: 0,
    /** Called: the connection of that publisher is lost. */
    onLost: [] as (() => void)[],
  };
  const failIf = (code: PublishErrorCode | undefined) => {
    if (code !== undefined) throw new PublishError(code, 'as the test says');
  };
  const openHub = (): HubPublisher => ({
    describe: async () => {
      failIf(state.hubFailure);
      return { partitionCount: state.partitions.length, maxBatchBytes: 1024 * 1024 };
    },
    send: async (partition, bodies) => {
      state.hubSends++;
      await state.hubWaits;
      state.hubSends--;
      failIf(state.hubFailure);
      const into = state.partitions[partition];
      if (into === undefined) throw new PublishError('PS_PUBLISH_UNAVAILABLE', `there is no partition ${partition}`);
      for (const body of bodies) into.push(...parsePack(body));
    },
    onLost: (listener) => void state.onLost.push(() => listener(new PublishError('PS_PUBLISH_UNAVAILABLE', 'lost'))),
    close: async () => void state.closed++,
  });
  const openTopic = (): TopicPublisher => ({
    probe: async () => failIf(state.topicFailure),
    send: async (messages) => {
      await state.topicWaits;
      failIf(state.topicFailure);
      let bytes = 0;
      let count = 0;
      for (const message of messages) {
        bytes += message.body.length;
        if (bytes > maxMessageBytes) break;
        count++;
      }
      if (count === 0) throw new PublishError('PS_PUBLISH_TOO_LARGE', 'too large');
      state.messages.push(...messages.slice(0, count));
      return count;
    },
    onLost: (listener) => void state.onLost.push(() => listener(new PublishError('PS_PUBLISH_UNAVAILABLE', 'lost'))),
    close: async () => void state.closed++,
  });
  return { state, openHub, openTopic, hubEvents: () => state.partitions.flat() };
}
