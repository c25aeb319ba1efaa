/** An event as `POST /v1/events` takes it. */
export interface OutgoingEvent {
  readonly id: string;
  readonly type: string;
  /** ISO 8601 in UTC. */
  readonly occurredAt: string;
  readonly anonymousId?: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly page?: { readonly url?: string; readonly path?: string; readonly referrer?: string };
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly context?: { readonly ip?: string; readonly userAgent?: string };
}

/** An event whose time is still the file's own: the shift is added when it is sent. */
export type UndatedEvent = Omit<OutgoingEvent, 'occurredAt'>;

/**
 * What one line of the input is. Every line is exactly one entry, in the order of the file: an event to send, a line
 * left out on purpose, or a line that cannot be used.
 */
export type Entry =
  | { readonly kind: 'event'; readonly line: number; readonly timeMs: number; readonly event: UndatedEvent }
  | { readonly kind: 'dropped'; readonly line: number; readonly reason: string }
  | RejectedEntry;

export interface RejectedEntry {
  readonly kind: 'rejected';
  readonly line: number;
  readonly reason: string;
  /** The field that is at fault, where there is one. */
  readonly field?: string;
}

export interface FormatOptions {
  /** Keep what robots requested; only formats that know the user agent look at it. */
  readonly keepBots: boolean;
  /** Where the site is, such as `https://example.com`: logs hold paths only, and with it `page.url` is whole. */
  readonly site?: string;
}

/** An input format: turns the bytes of a file into entries, streaming, with bounded memory. */
export interface Format {
  readonly name: string;
  readonly summary: string;
  /** What the file is counted in, for people. */
  readonly unit: 'lines' | 'rows';
  read(chunks: AsyncIterable<Buffer>, options: FormatOptions): AsyncIterable<Entry>;
}
