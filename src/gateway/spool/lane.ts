import type { Clock } from '../../shared/clock.js';
import type { DrainRate } from '../drain-rate.js';
import { GatewayError } from '../errors.js';
import type { SpoolDisk } from './disk.js';
import { type LaneState, noteAside, noteGone, noteTaken } from './lane-state.js';
import { destinationOf } from './lanes.js';
import { ASIDE, keysFrom, parseRecordKey, recordOf, type SpoolRecord } from './record-key.js';
import type { SpoolStore } from './store.js';

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

export interface SpoolLaneDeps {
  readonly clock: Clock;
  readonly disk: SpoolDisk;
  /** How fast the destination of the lane drains. */
  readonly rate: DrainRate;
  /** Whether the destination of the lane takes `bytes` more. */
  readonly hasRoom: (bytes: number) => boolean;
  readonly onWritten: (bytes: number) => void;
  /** Records are gone. */
  readonly onGone: () => void;
}

const HIDES = 'the spool does not give back what is in it';
const READ_AT_ONCE = 4096;

/** @param state is kept up to date here; a count of the store may replace what is in it */
export function createSpoolLane(name: string, state: LaneState, deps: SpoolLaneDeps): SpoolLane {
  const { clock, disk, rate } = deps;

  function forget(records: readonly SpoolRecord[]): void {
    for (const record of records) {
      noteGone(state, record);
      rate.drained(record.bytes);
    }
    deps.onGone();
  }

  async function readFirst(maxBytes: number, overheadBytes: number): Promise<readonly StoredRecord[]> {
    const { lying } = state;
    const range = keysFrom(name, state.firstSequence);
    const found = await readRecords(disk.store(), range, { maxBytes, overheadBytes });
    const [first] = found;
    // LevelDB passes over a table whose first block it cannot read, and says nothing.
    if (first === undefined && lying > 0) throw new GatewayError('PS_SPOOL_UNUSABLE', HIDES);
    if (first !== undefined) {
      state.firstSequence = first.sequence;
      state.oldestAtMs = first.atMs;
    }
    return found;
  }

  return {
    name,
    isEmpty: () => state.records === 0 && !disk.isFailing(),
    size: () => ({ records: state.records, bytes: state.bytes }),

    async append(body) {
      if (!deps.hasRoom(body.length)) {
        if (!disk.isUsable()) throw disk.unusable();
        throw new GatewayError('PS_SPOOL_FULL', `the spool of ${destinationOf(name)} is full`);
      }
      const record = recordOf(name, state.nextSequence++, { bytes: body.length, atMs: clock.now() });
      // Before it is written, so that nothing overtakes it on its way.
      noteTaken(state, record);
      await disk.write([{ key: record.key, value: body }]);
      state.lying++;
      deps.onWritten(body.length);
      return record;
    },

    async read(maxBytes, overheadBytes) {
      if (!disk.isUsable()) throw disk.unusable();
      try {
        return await readFirst(maxBytes, overheadBytes);
      } catch (error) {
        // It is mended when the store is opened anew: nothing else gets past it.
        if (error instanceof GatewayError || (error as NodeJS.ErrnoException).code === 'LEVEL_CORRUPTION')
          disk.fail(error);
        throw error;
      }
    },

    async remove(records) {
      state.lying -= records.length;
      await disk.write(records.map(({ key }) => ({ key })));
      forget(records);
    },

    async setAside(record) {
      state.lying--;
      await disk.write([{ key: record.key }, { key: `${ASIDE}${record.key}`, value: record.body }]);
      forget([record]);
      noteAside(state, record);
    },
  };
}

/** The first records of a range, and one at the least, if there is any. */
async function readRecords(
  store: Pick<SpoolStore, 'entries'>,
  { from, to }: ReturnType<typeof keysFrom>,
  { maxBytes, overheadBytes }: { readonly maxBytes: number; readonly overheadBytes: number },
): Promise<readonly StoredRecord[]> {
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
  return found;
}
