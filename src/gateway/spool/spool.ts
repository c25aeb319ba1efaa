import { backoffMs } from '../../shared/backoff.js';
import type { CancelTimer, Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import { createDrainRate, type DrainRate } from '../drain-rate.js';
import { GatewayError } from '../errors.js';
import { createDiskRoom } from './disk-room.js';
import { keysFrom, parseRecordKey, recordOf, type SpoolRecord } from './record-key.js';
import type { SpoolStore, Write } from './store.js';
import { createWriter } from './writer.js';

export interface StoredRecord extends SpoolRecord {
  readonly body: Buffer;
}

/** What waits for one ordered way into a broker: a partition of a hub, or a topic. */
export interface SpoolLane {
  readonly name: string;
  /**
   * Adds a body behind all others; resolves once it is on disk.
   * @throws GatewayError PS_SPOOL_FULL, PS_SPOOL_UNUSABLE
   */
  append(body: Buffer): Promise<SpoolRecord>;
  /** The oldest records, up to `maxBytes` with `overheadBytes` for each; one at the least, if there is any. */
  read(maxBytes: number, overheadBytes: number): Promise<readonly StoredRecord[]>;
  remove(records: readonly SpoolRecord[]): Promise<void>;
  /** Takes a record out that its broker will never take, and keeps it where an engineer finds it. */
  setAside(record: StoredRecord): Promise<void>;
  /** Nothing is in it, or on its way in, so far as is known: a disk that fails hides what it has. */
  isEmpty(): boolean;
  /** What is in it, and on its way in. */
  size(): { readonly records: number; readonly bytes: number };
}

export interface SpoolReport {
  readonly records: number;
  readonly bytes: number;
  /** How long the oldest record has been waiting. */
  readonly oldestMs: number;
}

/** What became of a record: `set_aside` is that its broker will never take it. */
export type SpooledState = 'waiting' | 'delivered' | 'set_aside';

export interface Spool {
  /** @param destination counts towards its bound, such as `hub:clicks`; `lane` is a part of it, such as `2` */
  lane(destination: string, lane: string): SpoolLane;
  report(destination: string): SpoolReport;
  /** Whether the disk works, so far as is known. While it does not, nothing gets past what may be on it. */
  isUsable(): boolean;
  /** Whether the destination takes `bytes` more. */
  hasRoom(destination: string, bytes: number): boolean;
  /** When a destination that was refused may have room again: when what waits there will have drained, at its rate. */
  retryAfterSeconds(destination: string): number;
  /** Nothing waits in any lane, also of destinations that nobody has opened. While the disk fails nobody knows. */
  isEmpty(): boolean;
  /** All destinations that something waits for. */
  destinations(): readonly string[];
  /** The lanes of a destination that something waits in, also those that nobody has opened. */
  lanesOf(destination: string): readonly string[];
  /** Whether there are records that their broker has refused for good. */
  hasSetAside(): boolean;
  /** What became of a record that a lane took between two times. In doubt it is still waiting. */
  stateOf(lane: { readonly destination: string; readonly lane: string }, taken: TimeSpan): SpooledState;
  /** Small facts that outlive a restart. */
  remember(name: string, value: Buffer): Promise<void>;
  recall(name: string): Promise<Buffer | undefined>;
  /** Writes what is on its way, and closes. */
  close(): Promise<void>;
}

interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface SpoolDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Pick<Logger, 'warn' | 'error' | 'info'>;
  /** Opens the store, again after it has failed. */
  readonly openStore: () => Promise<SpoolStore>;
}

export interface SpoolLimits {
  /** Most bytes of one destination. */
  readonly bytes: number;
  /** While the oldest record of a destination is older, nothing more is taken: something is wrong for long. */
  readonly ageMs: number;
}

interface LaneState {
  nextSequence: number;
  /** No record below it is there any more. */
  firstSequence: number;
  records: number;
  bytes: number;
  /** Of the records, those that are on disk for sure: neither on their way in nor on their way out. */
  lying: number;
  oldestAtMs: number | undefined;
  /** Of the newest record. */
  newestAtMs: number;
  /** The clock was set back to here, so that records may have earlier times than the oldest one. */
  setBackToMs: number;
  /** When records were taken that have been set aside, of the newest. */
  asideAtMs: number[];
}

const emptyLane = (): LaneState => ({
  ...{ nextSequence: 0, firstSequence: 0, records: 0, bytes: 0, lying: 0, oldestAtMs: undefined },
  ...{ newestAtMs: Number.NEGATIVE_INFINITY, setBackToMs: Number.POSITIVE_INFINITY },
  asideAtMs: [],
});

function noteTime(state: LaneState, atMs: number): void {
  state.oldestAtMs ??= atMs;
  if (atMs < state.newestAtMs) state.setBackToMs = Math.min(state.setBackToMs, atMs);
  state.newestAtMs = atMs;
}

function forgetTimes(state: LaneState): void {
  const { oldestAtMs, newestAtMs, setBackToMs } = emptyLane();
  Object.assign(state, { oldestAtMs, newestAtMs, setBackToMs });
}

function noteAside({ asideAtMs }: LaneState, { atMs }: SpoolRecord): void {
  if (asideAtMs.push(atMs) > MAX_ASIDE) asideAtMs.shift();
}

const laneName = (destination: string, part: string): string => `${destination}/${part}`;
/** The name of a topic may have slashes of its own. */
const destinationOf = (lane: string): string => lane.slice(0, lane.lastIndexOf('/'));

const HIDES = 'the spool does not give back what is in it';
const FACTS = '!facts/';
const ASIDE = '!aside/';
const READ_AT_ONCE = 4096;
const MAX_ASIDE = 1000;
const REOPEN = { firstDelayMs: 500, maxDelayMs: 15_000 };

/**
 * Events that were accepted while their broker was away, on disk until it has them. What was appended survives
 * `kill -9`; what was removed may come back after one, and is then sent twice, under the same ids.
 *
 * While the disk is nearly full nothing more is taken, so that there is room to empty the spool: LevelDB writes also to
 * remove. When the disk fails all the same, what was being written is refused, and the store is opened anew until it works.
 * @throws GatewayError PS_SPOOL_LOCKED, PS_SPOOL_UNUSABLE
 */
export async function openSpool(deps: SpoolDeps, limits: SpoolLimits): Promise<Spool> {
  const { clock, logger } = deps;
  const lanes = new Map<string, LaneState>();
  const rates = new Map<string, DrainRate>();
  let store = await deps.openStore();
  let writer = createWriter(store);
  let broken = false;
  let closed = false;
  let cancelReopen: CancelTimer = () => {};
  const room = createDiskRoom({ clock, logger, store: () => store });
  const isEmpty = () => !broken && [...lanes.values()].every(({ records }) => records === 0);

  const stateOf = (lane: string): LaneState => {
    const state = lanes.get(lane) ?? emptyLane();
    lanes.set(lane, state);
    return state;
  };

  /** What is in the store, as it is: after a start, or a failure of which nobody knows what it wrote. */
  async function count(): Promise<void> {
    const found = new Map<string, LaneState>();
    const foundOf = (lane: string): LaneState => {
      const state = found.get(lane) ?? { ...emptyLane(), nextSequence: lanes.get(lane)?.nextSequence ?? 0 };
      found.set(lane, state);
      return state;
    };
    for (const lane of lanes.keys()) foundOf(lane);
    for await (const key of store.keys('', '\uffff')) {
      const isAside = key.startsWith(ASIDE);
      const record =
        key.startsWith('!') && !isAside ? undefined : parseRecordKey(isAside ? key.slice(ASIDE.length) : key);
      if (record === undefined) continue;
      const state = foundOf(record.lane);
      if (isAside) {
        noteAside(state, record);
        continue;
      }
      if (state.records === 0) state.firstSequence = record.sequence;
      noteTime(state, record.atMs);
      state.records++;
      state.lying++;
      state.bytes += record.bytes;
      state.nextSequence = Math.max(state.nextSequence, record.sequence + 1);
    }
    // At once: a lane that looked empty for a moment would send past what it has.
    for (const [lane, state] of found) Object.assign(stateOf(lane), state);
  }

  function fail(error: unknown): void {
    if (broken || closed) return;
    broken = true;
    logger.error({ err: error }, 'the spool cannot be written');
    let attempt = 0;
    const reopen = async () => {
      try {
        await store.close().catch(() => {});
        store = await deps.openStore();
        await count();
        writer = createWriter(store);
        broken = false;
        logger.info('the spool can be written again');
      } catch {
        schedule();
      }
    };
    const schedule = () => {
      if (!closed) cancelReopen = clock.setTimer(() => void reopen(), backoffMs(attempt++, REOPEN, deps.random));
    };
    schedule();
  }

  const unusable = () =>
    new GatewayError('PS_SPOOL_UNUSABLE', closed ? 'the spool is closed' : 'the spool cannot be written');

  async function write(writes: readonly Write[]): Promise<void> {
    if (broken || closed) throw unusable();
    try {
      await writer.write(writes);
    } catch (error) {
      fail(error);
      throw unusable();
    }
  }

  const lanesOf = (destination: string): LaneState[] =>
    [...lanes].filter(([name]) => destinationOf(name) === destination).map(([, state]) => state);

  const report = (destination: string): SpoolReport => {
    let [records, bytes, oldestAtMs] = [0, 0, Number.POSITIVE_INFINITY];
    for (const state of lanesOf(destination)) {
      records += state.records;
      bytes += state.bytes;
      oldestAtMs = Math.min(oldestAtMs, state.oldestAtMs ?? Number.POSITIVE_INFINITY);
    }
    return { records, bytes, oldestMs: Math.max(0, Number.isFinite(oldestAtMs) ? clock.now() - oldestAtMs : 0) };
  };

  const hasRoom = (destination: string, more: number): boolean => {
    if (broken || closed || room.isLow()) return false;
    const { bytes, oldestMs } = report(destination);
    return bytes + more <= limits.bytes && oldestMs <= limits.ageMs;
  };

  const rateOf = (destination: string): DrainRate => {
    const rate = rates.get(destination) ?? createDrainRate(clock);
    rates.set(destination, rate);
    return rate;
  };

  function lane(destination: string, part: string): SpoolLane {
    const name = laneName(destination, part);
    const state = stateOf(name);
    const rate = rateOf(destination);

    const forget = (records: readonly SpoolRecord[]) => {
      for (const { bytes } of records) {
        state.records--;
        state.bytes -= bytes;
        rate.drained(bytes);
      }
      if (state.records === 0) forgetTimes(state);
      if (isEmpty()) room.emptied();
    };

    const readFirst = async (maxBytes: number, overheadBytes: number): Promise<readonly StoredRecord[]> => {
      const { from, to } = keysFrom(name, state.firstSequence);
      const found: StoredRecord[] = [];
      let bytes = 0;
      // Keys alone would be cheaper to ask for, and LevelDB reads past all of their values for them.
      for await (const [key, body] of store.entries(from, to, maxBytes)) {
        const record = parseRecordKey(key);
        if (record === undefined) continue;
        bytes += record.bytes + overheadBytes;
        if (found.length > 0 && (bytes > maxBytes || found.length === READ_AT_ONCE)) break;
        found.push({ ...record, body });
      }
      const [first] = found;
      if (first !== undefined) {
        state.firstSequence = first.sequence;
        state.oldestAtMs = first.atMs;
      }
      return found;
    };

    return {
      name,
      isEmpty: () => state.records === 0 && !broken,
      size: () => ({ records: state.records, bytes: state.bytes }),

      async append(body) {
        if (!hasRoom(destination, body.length)) {
          throw broken || closed
            ? unusable()
            : new GatewayError('PS_SPOOL_FULL', `the spool of ${destination} is full`);
        }
        const atMs = clock.now();
        const record = recordOf(name, state.nextSequence++, { bytes: body.length, atMs });
        // Counted before it is written, so that nothing overtakes it on its way.
        state.records++;
        state.bytes += body.length;
        noteTime(state, atMs);
        await write([{ key: record.key, value: body }]);
        state.lying++;
        room.written(body.length);
        return record;
      },

      async read(maxBytes, overheadBytes) {
        if (broken || closed) throw unusable();
        const { lying } = state;
        try {
          const found = await readFirst(maxBytes, overheadBytes);
          // LevelDB passes over a table whose first block it cannot read, and says nothing.
          if (found.length === 0 && lying > 0) throw new GatewayError('PS_SPOOL_UNUSABLE', HIDES);
          return found;
        } catch (error) {
          // It is mended when the store is opened anew: nothing else gets past it.
          if (error instanceof GatewayError || (error as NodeJS.ErrnoException).code === 'LEVEL_CORRUPTION')
            fail(error);
          throw error;
        }
      },

      async remove(records) {
        state.lying -= records.length;
        await write(records.map(({ key }) => ({ key })));
        forget(records);
      },

      async setAside(record) {
        state.lying--;
        await write([{ key: record.key }, { key: `${ASIDE}${record.key}`, value: record.body }]);
        forget([record]);
        noteAside(state, record);
      },
    };
  }

  function spooledStateOf(of: { destination: string; lane: string }, { fromMs, toMs }: TimeSpan): SpooledState {
    const { oldestAtMs, setBackToMs, asideAtMs } = stateOf(laneName(of.destination, of.lane));
    if (oldestAtMs !== undefined && Math.min(oldestAtMs, setBackToMs) <= toMs) return 'waiting';
    return asideAtMs.some((atMs) => atMs >= fromMs && atMs <= toMs) ? 'set_aside' : 'delivered';
  }

  await count();
  await room.start();
  return {
    lane,
    report,
    isUsable: () => !broken && !closed,
    hasRoom,
    // A disk that fails is tried again within that time.
    retryAfterSeconds: (destination) =>
      broken ? REOPEN.maxDelayMs / 1000 : rateOf(destination).secondsFor(report(destination).bytes),
    isEmpty,
    destinations: () => [
      ...new Set([...lanes].flatMap(([name, { records }]) => (records === 0 ? [] : [destinationOf(name)]))),
    ],
    lanesOf: (destination) =>
      [...lanes].flatMap(([name, { records }]) =>
        records > 0 && destinationOf(name) === destination ? [name.slice(destination.length + 1)] : [],
      ),
    hasSetAside: () => [...lanes.values()].some(({ asideAtMs }) => asideAtMs.length > 0),
    stateOf: spooledStateOf,
    remember: (name, value) => write([{ key: `${FACTS}${name}`, value }]),
    recall: (name) => store.get(`${FACTS}${name}`),
    async close() {
      if (closed) return;
      closed = true;
      cancelReopen();
      room.stop();
      await writer.idle();
      await store.close();
    },
  };
}
