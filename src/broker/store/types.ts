/** One change of the store: a value to put, or without one a key to delete. */
export interface Write {
  readonly key: Buffer;
  readonly value?: Buffer;
}

export interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface Range {
  /** First key, included. */
  readonly from: Buffer;
  /** End of the range, excluded. */
  readonly to: Buffer;
  readonly limit: number;
  /** The range ends early once its values exceed this; at least one entry is given. */
  readonly maxBytes?: number;
  readonly reverse?: boolean;
}

/**
 * An ordered, durable map of bytes to bytes. It is all that the broker knows of its disk.
 */
export interface Store {
  get(key: Buffer): Promise<Buffer | undefined>;
  getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]>;
  range(range: Range): Promise<Entry[]>;
  /**
   * Applies all writes or none, and resolves once they are on disk. Commits become durable in the order of their calls;
   * those that wait at the same moment share one fsync.
   */
  commit(writes: readonly Write[]): Promise<void>;
  /**
   * `contribute` is asked for further writes whenever a batch is formed: small state that changes with every operation
   * (counters, positions) is then written once a batch. Because operations change memory and call `commit` in one
   * step, what it answers is exactly the state after the batch.
   */
  onBatch(contribute: (into: Write[]) => void): void;
  /** Removes everything in a range, in the background of other work; not atomic. */
  clear(range: { readonly from: Buffer; readonly to: Buffer }): Promise<void>;
  /** Bytes that wait to become durable; what bounds how much is taken from the network. */
  pendingBytes(): number;
  close(): Promise<void>;
}
