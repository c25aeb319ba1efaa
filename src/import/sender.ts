import { type Clock, delay } from '../shared/clock.js';
import type { Entry, OutgoingEvent } from './entry.js';
import type { ImportError } from './errors.js';
import type { Posted, Poster } from './poster.js';
import type { Settled, TallyKeeper } from './tally.js';

/** A wait shorter than this is not worth a request of its own. */
const MIN_PACE_WAIT_MS = 100;

type EventEntry = Extract<Entry, { kind: 'event' }>;

export interface Sender {
  /**
   * Takes an event; when the batch is full it is posted once the request before it is answered. An event that is due
   * only later, by the clock, waits for its time after what came before it has been sent.
   */
  add(entry: EventEntry, dueMs?: number): Promise<void>;
  /** Posts what is waiting and hears every answer. */
  drain(): Promise<void>;
  /** Why sending ended; from then on every event is counted as unsent. */
  readonly failure: ImportError | undefined;
}

/**
 * Gathers events into batches and keeps one request in flight, so that events arrive in the order of the file while the
 * next lines are being read. Every event is counted in the tally once its outcome is known.
 */
export function createSender(
  deps: { readonly clock: Clock; readonly poster: Poster; readonly tally: TallyKeeper },
  options: { readonly batchSize: number; readonly shiftMs: number; readonly signal: AbortSignal },
): Sender {
  const { clock } = deps;
  let batch: EventEntry[] = [];
  let inFlight: Promise<void> = Promise.resolve();
  let failure: ImportError | undefined;

  async function post(entries: readonly EventEntry[]): Promise<void> {
    if (failure) return countAll(entries, { kind: 'unsent' });
    const result = await deps.poster.post(
      entries.map(({ event, timeMs }) => dated(event, timeMs + options.shiftMs)),
      options.signal,
    );
    failure = result.failure;
    entries.forEach(({ line }, index) => {
      deps.tally.count(line, settledBy(result.outcomes[index] as Posted));
    });
  }
  const countAll = (entries: readonly EventEntry[], settled: Settled) => {
    for (const { line } of entries) deps.tally.count(line, settled);
  };
  const flush = async () => {
    await inFlight;
    const entries = batch;
    batch = [];
    if (entries.length > 0) inFlight = post(entries);
  };
  const drain = async () => {
    await flush();
    await inFlight;
  };
  return {
    async add(entry, dueMs = 0) {
      if (dueMs > clock.now()) {
        await drain();
        await delay(clock, Math.max(MIN_PACE_WAIT_MS, dueMs - clock.now()), options.signal);
      }
      batch.push(entry);
      if (batch.length >= options.batchSize) await flush();
    },
    drain,
    get failure() {
      return failure;
    },
  };
}

function dated(event: EventEntry['event'], timeMs: number): OutgoingEvent {
  return { ...event, occurredAt: new Date(timeMs).toISOString() };
}

function settledBy(posted: Posted): Settled {
  switch (posted.kind) {
    case 'rejected':
      return {
        kind: 'rejected',
        reason: `gateway_${posted.reason}`,
        ...(posted.path !== undefined && { field: posted.path }),
      };
    case 'dropped':
      return { kind: 'dropped', reason: `gateway_${posted.reason}` };
    default:
      return posted;
  }
}
