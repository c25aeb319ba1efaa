import type { TopicMessage } from '../../events/index.js';
import type { SpoolReport } from '../spool/index.js';
import type { Health, HealthReport } from './health.js';
import type { OutletDeps } from './outlet.js';
import type { Ticket } from './ticket.js';

/** A sound event on its way. */
export interface OutgoingEvent {
  /** Its JSON text. */
  readonly json: string;
  /** What it takes of memory while it waits for its broker. */
  readonly heldBytes: number;
  /** Events with the same key stay in order. */
  readonly partitionKey: string;
  /** Made when the destination is a topic. */
  readonly message: TopicMessage | undefined;
  /** Of the event in its request. */
  readonly index: number;
}

export interface SinkReport extends HealthReport {
  /** What waits on disk for it; absent without a spool. */
  readonly spool?: SpoolReport;
}

/** One destination: a hub or a topic, with its queue, its connection and its health of its own. */
export interface Sink {
  readonly kind: 'hub' | 'topic';
  readonly name: string;
  report(): SinkReport;
  /** Whether an event for it can be accepted now: by its broker, or on disk. */
  isReady(): boolean;
  /** When to send again what it could not keep on disk; undefined where it has no disk. */
  retryAfterSeconds(): number | undefined;
  /** Takes the events of one request; every one of them settles its place in the ticket exactly once. */
  add(events: readonly OutgoingEvent[], ticket: Ticket): void;
  start(): Promise<void>;
  isIdle(): boolean;
  /** Puts on disk what still waits, or fails it, and closes the connection. */
  close(): Promise<void>;
}

export interface SinkDeps extends OutletDeps {
  readonly random: () => number;
  readonly onHealth: (sink: string, report: HealthReport) => void;
}

export interface SinkOptions {
  readonly timeoutMs: number;
}

/** What a batch costs beyond its items. */
export const BATCH_OVERHEAD_BYTES = 1024;

export const reportOf = (name: string, health: Health, { spool, left }: OutletDeps): SinkReport => {
  const waiting = spool ?? left;
  return { ...health.report(), ...(waiting === undefined ? {} : { spool: waiting.report(name) }) };
};

/** Whether what comes for it can be accepted: a spool whose disk fails lets nothing past what may be on it. */
export const isTaking = (name: string, health: Health, { spool }: OutletDeps): boolean =>
  spool?.isUsable() !== false && (health.isUp() || spool?.hasRoom(name, 0) === true);

export function indexesOf(events: readonly OutgoingEvent[]): number[] {
  return events.map((event) => event.index);
}

export async function closeSink(
  health: Health,
  lanes: readonly { close(): Promise<void> }[],
  publisher: { close(): Promise<void> },
): Promise<void> {
  health.stop();
  await Promise.all(lanes.map((lane) => lane.close()));
  await publisher.close();
}
