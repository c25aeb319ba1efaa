/** What kind of shop is simulated. Shares are probabilities between 0 and 1. */
export interface ShopOptions {
  readonly seed: number;
  /** Time of the beginning, milliseconds since the epoch. */
  readonly startMs: number;
  /** Mean number of events a second. */
  readonly rate: number;
  /** Either so many visitors, each from the first page to the last, or a window of time in the life of the shop. */
  readonly extent: { readonly visitors: number } | { readonly durationMs: number };
  readonly products: number;
  /** Share of the events that are sent a second time with the same id. */
  readonly duplicates: number;
  /** Share of the events that are sent up to 30 s after they happened, so that others overtake them. */
  readonly heldBack: number;
  /** For each event, the share of page views that an offline device kept, and delivers within the lateness … */
  readonly late: number;
  /** … and after it. */
  readonly tooLate: number;
  /** The lateness that is allowed: how far an event may be behind the newest one and still count. */
  readonly latenessMs: number;
}

export const defaultShopOptions = {
  seed: 1,
  rate: 20,
  products: 500,
  duplicates: 0.01,
  heldBack: 0.02,
  late: 0.005,
  tooLate: 0.002,
  latenessMs: 3_600_000,
} as const satisfies Partial<ShopOptions>;
