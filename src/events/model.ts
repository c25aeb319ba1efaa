/**
 * The event inside Penstock and on both brokers' wires: a CloudEvents 1.0 JSON object. Types and properties use the
 * vocabulary of Google Analytics 4, with `churn_scored` and `offer_made` of our own.
 */
export interface PenstockEvent {
  readonly specversion: '1.0';
  /** The id that the client sent, or a UUIDv7. */
  readonly id: string;
  /** The site, from its write key. */
  readonly source: string;
  readonly type: string;
  /** When it happened, ISO 8601 in UTC, corrected for the client's clock. */
  readonly time: string;
  /** userId, else anonymousId. */
  readonly subject?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly data: EventData;
}

interface EventData {
  readonly anonymousId?: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly page?: Page;
  readonly properties?: Readonly<Record<string, unknown>>;
  /** What the visitor agreed to, by purpose, as the sender said. */
  readonly consent?: Consent;
  readonly context: EventContext;
  /** What the client's clock said when it happened, as sent. */
  readonly occurredAt?: string;
  /** What the client's clock said when it sent the event, as sent. */
  readonly sentAt?: string;
  /** The gateway's clock. */
  readonly receivedAt: string;
  /** The computed time was ahead of the gateway's clock and was set to `receivedAt`. */
  readonly timeClamped?: true;
}

export interface Page {
  readonly url?: string;
  readonly path?: string;
  readonly title?: string;
  readonly referrer?: string;
}

/** By purpose (`analytics`, `marketing`, …): agreed to or refused. */
export type Consent = Readonly<Record<string, boolean>>;

export interface EventContext {
  /** Truncated to /24 (IPv4) or /48 (IPv6). */
  readonly ip?: string;
  readonly country?: string;
  readonly device?: DeviceType;
  /** The user agent is that of a known bot, and its source keeps such events. */
  readonly bot?: true;
  readonly locale?: string;
  readonly campaign?: Readonly<Record<string, string>>;
}

export type DeviceType = 'desktop' | 'mobile' | 'tablet' | 'other';
