export interface ReceiveOptions {
  readonly connectionString: string;
  readonly hub: string;
  /** Where each event raises a counter; without one nothing is done with the events. */
  readonly redisUrl?: string | undefined;
}

/** The clock starts when the first hub events are taken, which are not part of the result. */
export interface ReceiveResult {
  /** Of the backlog, taken within `ms`. */
  readonly share: number;
  readonly ms: number;
}
