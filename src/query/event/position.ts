import type { HubReader } from '../../messaging/index.js';
import { type Clock, delay } from '../../shared/clock.js';
import { readPack } from '../../shared/pack.js';

/** Where in its hub an event is: exact, since it was read there. */
interface Position {
  readonly partition: string;
  readonly sequenceNumber: number;
  /** In the batch that the hub event is. */
  readonly index: number;
  readonly enqueuedAt: string;
}

/** `not_found`: nothing of that time holds it. `unfinished`: there was more to read than there was time for. */
export type PositionAnswer = Position | 'not_found' | 'unfinished';

export interface Sought {
  readonly id: string;
  readonly source: string;
  readonly partition: string;
  /** When it was sent, by the gateway's clock. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PositionOptions {
  readonly deadlineMs: number;
  /** How far the hub's clock may be from the gateway's: first the usual, then the worst. */
  readonly skewsMs: readonly number[];
}

const positionDefaults: PositionOptions = { deadlineMs: 8_000, skewsMs: [1_000, 30_000] };

/**
 * Looks an event up in its partition. No SDK tells the sequence number of what it has sent, so the partition is read from
 * the time on at which the event was sent.
 */
export async function findPosition(
  reader: Pick<HubReader, 'partitions' | 'read'>,
  sought: Sought,
  clock: Clock,
  options: PositionOptions = positionDefaults,
): Promise<PositionAnswer> {
  const facts = (await reader.partitions()).find(({ partitionId }) => partitionId === sought.partition);
  if (facts === undefined || facts.empty) return 'not_found';
  const finished = new AbortController();
  let timeIsUp = false;
  const cut = delay(clock, options.deadlineMs, finished.signal).then(() => {
    timeIsUp = !finished.signal.aborted;
    return undefined;
  });

  const look = async (skewMs: number): Promise<Position | undefined> => {
    const fromMs = sought.fromMs - skewMs;
    if (facts.lastEnqueuedAtMs < fromMs) return undefined;
    const batches = reader.read(sought.partition, fromMs);
    try {
      while (!timeIsUp) {
        const next = await Promise.race([batches.next(), cut]);
        if (next === undefined || next.done) return undefined;
        for (const { body, sequenceNumber, enqueuedAtMs } of next.value) {
          const index = indexIn(body, sought);
          if (index >= 0)
            return {
              ...{ partition: sought.partition, sequenceNumber, index },
              enqueuedAt: new Date(enqueuedAtMs).toISOString(),
            };
          if (sequenceNumber >= facts.lastSequenceNumber || enqueuedAtMs > sought.toMs + skewMs) return undefined;
        }
      }
      return undefined;
    } finally {
      // A hub that is away answers late or never: nobody waits for it.
      void batches.return?.();
    }
  };

  try {
    for (const skewMs of options.skewsMs) {
      const position = await look(skewMs);
      if (position !== undefined) return position;
      if (timeIsUp) return 'unfinished';
    }
    return 'not_found';
  } finally {
    finished.abort();
  }
}

/** Of the event in a pack, or -1. Most packs do not name the id at all: their bytes tell, without parsing them. */
function indexIn(body: Uint8Array, { id, source }: Sought): number {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!bytes.includes(JSON.stringify(id))) return -1;
  // Other producers may send anything.
  return (readPack(body) ?? []).findIndex((event) => {
    const { id: itsId, source: itsSource } = (event ?? {}) as Partial<Sought>;
    return itsId === id && itsSource === source;
  });
}
