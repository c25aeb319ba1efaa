/** One event of a hub partition, in the order of the partition. */
export interface PartitionEvent {
  readonly partitionId: string;
  readonly sequenceNumber: number;
  /** Opaque; the service resumes reading after it. */
  readonly offset: string;
  readonly enqueuedAtMs: number;
  readonly body: Uint8Array;
}

/** Where a partition is read on: after this event. */
export interface PartitionPosition {
  readonly sequenceNumber: number;
  readonly offset: string;
}

/** What the hub says about one of its partitions. */
export interface PartitionFacts {
  readonly partitionId: string;
  readonly empty: boolean;
  /** Oldest event that is retained, and newest event. */
  readonly firstSequenceNumber: number;
  readonly lastSequenceNumber: number;
  readonly lastEnqueuedAtMs: number;
}

/** A partition, and the hub that it is of, for who keeps a state of it. */
export interface PartitionOfHub extends PartitionFacts {
  /** When the hub was made, where that is known: another hub of the same name has another time. */
  readonly hubCreatedAtMs?: number | undefined;
  /** All partitions of the hub, where they are known. */
  readonly partitionIds?: readonly string[] | undefined;
}

/** What is done with the partitions that this process owns. Calls for one partition never overlap, except `close`. */
export interface PartitionHandler {
  /**
   * The partition is ours from now on. Returns where to read on; undefined for the oldest retained event. Who had it may
   * still read, so what is compared with the hub is compared with what it says after that has come to an end: `ask` asks.
   */
  open(partitionId: string, ask: () => Promise<PartitionOfHub>): Promise<PartitionPosition | undefined>;
  /**
   * Events in order, none now and then. Some may have been given before. A throw gives the partition up for a while.
   */
  process(partitionId: string, events: readonly PartitionEvent[]): Promise<void>;
  /** The partition is no longer ours. May come while `process` runs. */
  close(partitionId: string): Promise<void>;
}

/** Reads those partitions of a hub that fall to this process, in balance with the other processes of its group. */
export interface PartitionProcessor {
  start(handler: PartitionHandler): Promise<void>;
  /**
   * Tells other readers and tools how far a partition was read. Not what `open` resumes from. What a later owner, or this
   * one at a later position, has told is left as it is.
   */
  checkpoint(partitionId: string, position: PartitionPosition, ownerEpoch: number): Promise<void>;
  /** Gives every partition up, each after its `close`. Idempotent. */
  stop(): Promise<void>;
}

/** Reads retained events of a hub without owning partitions. */
export interface HubReader {
  partitions(): Promise<PartitionFacts[]>;
  /** Batches of events enqueued at or after `fromMs`, oldest first, endlessly; the next is read when asked for. */
  read(partitionId: string, fromMs: number): AsyncIterableIterator<readonly PartitionEvent[]>;
  close(): Promise<void>;
}

/** A message of a subscription, locked for us. */
export interface ReceivedMessage {
  readonly messageId: string;
  /** Unique in the subscription. */
  readonly sequenceNumber: string;
  readonly enqueuedAtMs: number;
  /** How often it was delivered before. */
  readonly deliveryCount: number;
  /** It is given to somebody else after this. */
  readonly lockedUntilMs: number;
  readonly body: unknown;
  readonly applicationProperties: Readonly<Record<string, unknown>>;
}

export type MessageVerdict =
  | { readonly outcome: 'complete' }
  /** To be delivered again, until the subscription's maximum. */
  | { readonly outcome: 'abandon' }
  | { readonly outcome: 'dead-letter'; readonly reason: string; readonly description: string };

/** What is done with each message. A throw is an abandon. Calls overlap up to the receiver's concurrency. */
export type MessageHandler = (message: ReceivedMessage) => Promise<MessageVerdict>;

/** Takes messages of one subscription under peek-lock. */
export interface SubscriptionReceiver {
  start(handler: MessageHandler): Promise<void>;
  /** Takes no more messages and waits for those in hand. Idempotent. */
  stop(): Promise<void>;
}

interface StoredBlob {
  readonly bytes: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
  /** Changes with every write. */
  readonly version: string;
}

/** The version that a conditional write made, or what is there in place of the expected version. */
export type WriteResult = { readonly version: string } | { readonly conflict: Omit<StoredBlob, 'bytes'> | undefined };

/** Small named files, each replaced whole. */
export interface BlobStore {
  read(name: string): Promise<StoredBlob | undefined>;
  /**
   * Writes if the file has the given version (undefined: if there is none); otherwise answers what is there.
   */
  write(
    name: string,
    bytes: Buffer,
    options: { metadata: Readonly<Record<string, string>>; ifVersion: string | undefined },
  ): Promise<WriteResult>;
  /** Replaces the metadata alone, on the same condition. The file has another version then. */
  setMetadata(name: string, metadata: Readonly<Record<string, string>>, ifVersion: string): Promise<WriteResult>;
}
