import type { HubReader } from '../../messaging/index.js';
import { type Clock, delay } from '../../shared/clock.js';
import { keepFresh } from '../../shared/keep-fresh.js';

type Reader = Pick<HubReader, 'partitions' | 'close'>;
type Positions = ReadonlyMap<string, number>;

/** Sequence number of the newest event of each partition, as the hub itself tells it. */
export interface NewestPositions {
  /** Empty while the hub does not answer in time. Never rejects. */
  read(): Promise<Positions>;
  close(): Promise<void>;
}

/** However many ask, the hub is asked once in this time. */
const FRESH_MS = 5_000;
const TIMEOUT_MS = 3_000;

const NOTHING: Positions = new Map();

/** Asks over one connection, opened when somebody asks first, and anew after a failure. */
export function createNewestPositions(openReader: () => Promise<Reader>, clock: Clock): NewestPositions {
  let opened: Promise<Reader> | undefined;

  const close = async () => {
    const reader = opened;
    opened = undefined;
    // One that never opened has nothing to close.
    await reader?.then((each) => each.close()).catch(() => {});
  };
  const ask = async (): Promise<Positions> => {
    opened ??= openReader();
    const partitions = await (await opened).partitions();
    return new Map(partitions.map(({ partitionId, lastSequenceNumber }) => [partitionId, lastSequenceNumber]));
  };
  const read = async (): Promise<Positions> => {
    const answered = new AbortController();
    const inTime = delay(clock, TIMEOUT_MS, answered.signal).then(() => undefined);
    const positions = await Promise.race([ask().catch(() => undefined), inTime]);
    answered.abort();
    // Nobody waits for a connection that does not answer; the SDK would for minutes.
    if (positions === undefined) void close();
    return positions ?? NOTHING;
  };
  return { read: keepFresh(clock, FRESH_MS, read), close };
}
