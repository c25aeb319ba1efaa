/** A queue, or a subscription of a topic. */
export type MessageSource = { readonly queue: string } | { readonly topic: string; readonly subscription: string };

export type SubQueue = 'deadLetter' | 'transferDeadLetter';

/** A message to look at, whatever it carries. */
export interface SeenMessage {
  readonly sequenceNumber: string;
  readonly messageId: string | undefined;
  readonly state: 'active' | 'deferred' | 'scheduled';
  readonly enqueuedAtMs: number;
  readonly deliveryCount: number;
  /** System properties that are set: subject, correlation id, session id and the like. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly applicationProperties: Readonly<Record<string, unknown>>;
  /** Bytes of a data section; any other value as it is. */
  readonly body: unknown;
}

/** Looks at messages without taking them. All methods throw ConsumeError. */
export interface MessageBrowser {
  /** From a sequence number on, in their order; fewer than asked for only at the end. */
  peek(fromSequenceNumber: string, count: number): Promise<SeenMessage[]>;
  close(): Promise<void>;
}

/** Looks at the events of one partition. All methods throw ConsumeError. */
export interface EventBrowser {
  peek(fromSequenceNumber: number | undefined, count: number): Promise<SeenMessage[]>;
  close(): Promise<void>;
}

/** A dead letter, locked for us. */
export interface DeadLetter {
  readonly sequenceNumber: string;
  readonly messageId: string | undefined;
  readonly reason: string | undefined;
  /** Sends it again, and resolves when the broker has it; as `messageId` where one is given. */
  resend(messageId?: string): Promise<void>;
  /** Takes it out of the dead letters. */
  complete(): Promise<void>;
  /** Leaves it where it is, for the next one who asks. */
  release(): Promise<void>;
}

/** Takes dead letters to where they came from, or elsewhere. All methods throw ConsumeError or PublishError. */
export interface DeadLetterTaker {
  /** The next ones; none when there are none. */
  take(count: number): Promise<DeadLetter[]>;
  close(): Promise<void>;
}

/** Takes messages out for good. All methods throw ConsumeError. */
export interface Purger {
  /** Removes up to `count` messages, and answers how many; 0 when there are none. */
  remove(count: number): Promise<number>;
  close(): Promise<void>;
}

/** What is to know of an entity before anything is done to it. */
interface EntityFacts {
  readonly activeMessages: number;
  readonly deadLetters: number;
  readonly transferDeadLetters: number;
  readonly requiresSession: boolean;
}

/** The administration API. All methods throw ConsumeError. */
export interface EntityDirectory {
  facts(source: MessageSource): Promise<EntityFacts>;
  /** Whether a queue or topic drops messages whose id it has seen. */
  detectsDuplicates(queueOrTopic: string): Promise<boolean>;
}
