export interface StateLoadOptions {
  readonly partitions: number;
  /** Of each partition. */
  readonly visitors: number;
}

export interface StateLoadResult {
  /** From the bytes of all partitions to states that can count. */
  readonly restoreMs: number;
  /** All partitions, one after the other. */
  readonly saveMs: number;
  /** The longest that nothing else could run while they were saved. */
  readonly longestPauseMs: number;
  /** Of all snapshots. */
  readonly bytes: number;
}
