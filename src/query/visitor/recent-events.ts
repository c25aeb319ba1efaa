import type { HubReader, PartitionFacts } from '../../messaging/index.js';
import { type Clock, delay } from '../../shared/clock.js';
import { readPack } from '../../shared/pack.js';

const MINUTE_MS = 60_000;

/** One event of a visitor, as it is shown. */
interface VisitorEvent {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly source: string;
  readonly path?: string;
}

export interface RecentEvents {
  /** Newest first. */
  readonly events: readonly VisitorEvent[];
  /** How far back was looked. */
  readonly minutes: number;
  /** False when there was more to read than there was time for. */
  readonly complete: boolean;
}

export interface RecentEventsOptions {
  readonly maxEvents: number;
  readonly deadlineMs: number;
  /** Ages at which to look further back, so that the newest are found first: a hub is read forwards only. */
  readonly slicesMinutes: readonly number[];
}

const recentEventsDefaults: RecentEventsOptions = {
  maxEvents: 100,
  deadlineMs: 8_000,
  slicesMinutes: [2, 15, 60],
};

/**
 * The newest events of a visitor, read from the hub: by `anonymousId` or `userId`, so in every partition, since a user
 * may have come by several browsers.
 */
export async function recentEvents(
  reader: HubReader,
  visitor: string,
  clock: Clock,
  options: RecentEventsOptions = recentEventsDefaults,
): Promise<RecentEvents> {
  const startMs = clock.now();
  const partitions = (await reader.partitions()).filter(({ empty }) => !empty);
  const found = createFound(options.maxEvents);
  let timeIsUp = false;
  const finished = new AbortController();
  const cut = delay(clock, options.deadlineMs, finished.signal).then(() => {
    timeIsUp = !finished.signal.aborted;
    return undefined;
  });

  /** What was asked for is awaited no longer than there is time: a hub that is away answers late or never. */
  const readSlice = async (facts: PartitionFacts, { fromMs, toMs }: Slice) => {
    if (facts.lastEnqueuedAtMs < fromMs) return;
    const batches = reader.read(facts.partitionId, fromMs);
    while (!timeIsUp) {
      const next = await Promise.race([batches.next(), cut]);
      if (next === undefined) return;
      if (next.done) break;
      for (const { body, sequenceNumber, enqueuedAtMs } of next.value) {
        if (sequenceNumber > facts.lastSequenceNumber || enqueuedAtMs >= toMs) return void batches.return?.();
        found.add(eventsOf(body, visitor));
      }
      if ((next.value.at(-1)?.sequenceNumber ?? 0) >= facts.lastSequenceNumber) break;
    }
    if (!timeIsUp) await batches.return?.();
  };

  let minutes = 0;
  let toMs = Number.POSITIVE_INFINITY;
  try {
    for (minutes of options.slicesMinutes) {
      const slice = { fromMs: startMs - minutes * MINUTE_MS, toMs };
      await Promise.all(partitions.map((facts) => readSlice(facts, slice)));
      if (timeIsUp || found.size >= options.maxEvents) break;
      toMs = slice.fromMs;
    }
    return { events: found.newest(), minutes, complete: !timeIsUp };
  } finally {
    finished.abort();
  }
}

interface Slice {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The newest events of those that are added, in bounded memory. */
function createFound(maxEvents: number) {
  let found = new Map<string, VisitorEvent>();
  const newest = () => [...found.values()].sort((a, b) => Date.parse(b.time) - Date.parse(a.time)).slice(0, maxEvents);
  return {
    add(events: readonly VisitorEvent[]) {
      for (const event of events) found.set(event.id, event);
      if (found.size > 10 * maxEvents) found = new Map(newest().map((event) => [event.id, event]));
    },
    get size() {
      return found.size;
    },
    newest,
  };
}

type Sent = Partial<Record<'id' | 'type' | 'time' | 'source', unknown>> & {
  readonly data?: {
    readonly anonymousId?: unknown;
    readonly userId?: unknown;
    readonly page?: { readonly path?: unknown } | null;
  } | null;
};

/** The visitor's events in a pack. Most packs do not name the visitor at all: their bytes tell, without parsing them. */
function eventsOf(body: Uint8Array, visitor: string): VisitorEvent[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!bytes.includes(JSON.stringify(visitor))) return [];
  // Other producers may send anything.
  return (readPack(body) ?? []).flatMap((event) => shownOf(event as Sent | null, visitor));
}

function shownOf(event: Sent | null, visitor: string): VisitorEvent[] {
  const data = event?.data;
  if (!data || (data.anonymousId !== visitor && data.userId !== visitor)) return [];
  const { id, type, time, source } = event;
  if (typeof id !== 'string' || typeof type !== 'string' || typeof time !== 'string') return [];
  const path = data.page?.path;
  return [{ id, type, time, source: String(source ?? ''), ...(typeof path === 'string' ? { path } : {}) }];
}
