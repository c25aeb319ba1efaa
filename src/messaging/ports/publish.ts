import type { TopicMessage } from '../../events/index.js';
import type { PublishError } from '../errors.js';

interface Publisher {
  /** `listener` is called whenever a connection that was there is lost, with something in flight or not. */
  onLost(listener: (error: PublishError) => void): void;
  close(): Promise<void>;
}

interface HubFacts {
  readonly partitionCount: number;
  /** Largest batch that one send may carry, in bytes, with everything that frames it. */
  readonly maxBatchBytes: number;
}

/** Writes to one event hub. All methods throw PublishError. */
export interface HubPublisher extends Publisher {
  /** Connects where needed and asks what the hub takes; so it also tells whether the hub can be reached. */
  describe(): Promise<HubFacts>;
  /** Sends bodies, each one Event Hubs event, as one atomic batch. Resolves when the broker has settled it. */
  send(partition: number, bodies: readonly Buffer[]): Promise<void>;
}

/** Writes to one topic. All methods throw PublishError. */
export interface TopicPublisher extends Publisher {
  /** Connects where needed; tells whether the topic can be reached. */
  probe(): Promise<void>;
  /**
   * Sends, as one atomic batch, as many messages from the front as it can hold, and resolves with their number when the
   * broker has settled it. PS_PUBLISH_TOO_LARGE is about the first message alone; nothing was sent then.
   */
  send(messages: readonly TopicMessage[]): Promise<number>;
}
