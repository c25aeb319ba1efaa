import type { DeviceType } from '../../events/index.js';
import { PANE_MS } from '../../shared/live-keys.js';
import type { Hash64 } from '../../shared/siphash.js';
import { createKeys } from './keys.js';
import { withRoom } from './slots.js';

/**
 * Who was seen when: for each visitor of one partition the panes with an event of theirs, and the newest pane for each
 * type of device. A visitor's events all go to one partition, so distinct visitors are the sum over partitions.
 */
export interface Visitors {
  /**
   * Takes note of an event in the pane that starts at `paneMs`. The result is valid until the next call; undefined for
   * a new visitor when as many as allowed are kept.
   */
  visit(visitor: Hash64, paneMs: number, device: DeviceType): Visit | undefined;
  /** Forgets who was last seen before `horizonMs`, in steps of event time, so that a replay keeps the same ones. */
  evict(horizonMs: number): void;
  /** A copy of what is known, for `createVisitors`. */
  save(): SavedVisitors;
  readonly size: number;
}

export interface SavedVisitors {
  /** Pairs of halves, see `Keys`. */
  readonly keys: Uint32Array;
  /** A record for each of them. */
  readonly records: Int32Array;
}

export interface Visit {
  /** It is the visitor's first event in this pane. */
  firstInPane: boolean;
  /** The visitor's newest pane moved to this one. */
  newest: boolean;
  /** Where the newest pane was before; -1 when the visitor was not known. */
  previousNewestMs: number;
  /** The same for this visitor and this type of device. */
  newestOfDevice: boolean;
  previousNewestOfDeviceMs: number;
}

/** Order of the types in a visitor's `devices`. */
const deviceTypes: readonly DeviceType[] = ['desktop', 'mobile', 'tablet', 'other'];
const deviceIndex = new Map<string, number>(deviceTypes.map((type, index) => [type, index]));

/** A time that never was, and in a record the number of a pane that never was. */
const NEVER = -1;
/** Forgetting looks at every visitor, so it is done in steps of event time. */
const SWEEP_STEP_MS = 10 * 60_000;

/**
 * A visitor's record, of 32-bit words: the number of the newest pane, that of the newest pane for each type of device,
 * and bits: bit k is set when the visitor was seen k panes before the newest. Panes are numbered by time.
 */
const NEWEST = 0;
const DEVICES = 1;
const BITS = DEVICES + deviceTypes.length;
const WORD_BITS = 32;

export interface VisitorsOptions {
  readonly maxVisitors: number;
  /** No event is of a pane that is further behind the newest one of its partition. */
  readonly lookBackMs: number;
}

/** Panes here are those of visits, `PANE_MS` wide. */
export function createVisitors({ maxVisitors, lookBackMs }: VisitorsOptions, saved?: SavedVisitors): Visitors {
  // Two more: the pane of the horizon reaches behind it, and the newest has a bit as well.
  const words = Math.ceil((Math.ceil(lookBackMs / PANE_MS) + 2) / WORD_BITS);
  const stride = BITS + words;
  let records = new Int32Array(0);
  const keys = createKeys((capacity) => {
    records = withRoom(records, capacity * stride);
  }, saved?.keys);
  let horizonPane = NEVER;
  let sweptMs = Number.NEGATIVE_INFINITY;
  const visit: Visit = {
    firstInPane: false,
    newest: false,
    previousNewestMs: NEVER,
    newestOfDevice: false,
    previousNewestOfDeviceMs: NEVER,
  };

  const add = (key: Hash64): number => {
    const at = keys.add(key) * stride;
    records.fill(NEVER, at, at + BITS);
    records.fill(0, at + BITS, at + stride);
    return at;
  };
  /** What lies before the horizon counts as never having been. */
  const livePane = (at: number): number => {
    const pane = records[at] as number;
    return pane >= horizonPane ? pane : NEVER;
  };
  /** Marks a pane as visited; false when it was. */
  const mark = (at: number, panesBefore: number): boolean => {
    if (panesBefore >= words * WORD_BITS) return false;
    const word = at + BITS + Math.floor(panesBefore / WORD_BITS);
    const bit = 1 << (panesBefore % WORD_BITS);
    const before = records[word] as number;
    records[word] = before | bit;
    return (before & bit) === 0;
  };
  const moveNewest = (at: number, pane: number) => {
    shiftLeft(records, { from: at + BITS, words, bits: pane - (records[at + NEWEST] as number) });
    records[at + NEWEST] = pane;
    mark(at, 0);
  };

  // Another look back has more words or fewer.
  if (saved !== undefined) copyRows(saved.records, records, { rows: keys.size, width: stride });

  return {
    visit(key, paneMs, device) {
      let at = keys.find(key) * stride;
      if (at < 0) {
        if (keys.size >= maxVisitors) return undefined;
        at = add(key);
      }
      const pane = paneMs / PANE_MS;
      const last = livePane(at + NEWEST);
      visit.previousNewestMs = timeOfPane(last);
      visit.newest = pane > last;
      if (visit.newest) moveNewest(at, pane);
      visit.firstInPane = visit.newest || mark(at, last - pane);
      const ofDevice = at + DEVICES + (deviceIndex.get(device) ?? deviceTypes.length - 1);
      const lastOfDevice = livePane(ofDevice);
      visit.previousNewestOfDeviceMs = timeOfPane(lastOfDevice);
      visit.newestOfDevice = pane > lastOfDevice;
      if (visit.newestOfDevice) records[ofDevice] = pane;
      return visit;
    },
    evict(horizonMs) {
      horizonPane = horizonMs / PANE_MS;
      const stepMs = Math.floor(horizonMs / SWEEP_STEP_MS) * SWEEP_STEP_MS;
      if (stepMs <= sweptMs) return;
      sweptMs = stepMs;
      const stepPane = stepMs / PANE_MS;
      keys.keep((slot) => (records[slot * stride + NEWEST] as number) >= stepPane);
    },
    save: () => ({ keys: keys.save(), records: keys.dense(records, stride) }),
    get size() {
      return keys.size;
    },
  };
}

const timeOfPane = (pane: number): number => (pane === NEVER ? NEVER : pane * PANE_MS);

/** Moves bits up within `words` words, the lowest first; those that leave at the top are gone. */
function shiftLeft(records: Int32Array, { from, words, bits }: { from: number; words: number; bits: number }): void {
  const byWords = Math.floor(bits / WORD_BITS);
  const byBits = bits % WORD_BITS;
  for (let word = words - 1; word >= 0; word--) {
    const high = word - byWords < 0 ? 0 : (records[from + word - byWords] as number);
    const low = word - byWords - 1 < 0 ? 0 : (records[from + word - byWords - 1] as number);
    // A shift by 32 is one by 0.
    records[from + word] = byBits === 0 ? high : (high << byBits) | (low >>> (WORD_BITS - byBits));
  }
}

/** Rows of one table into another, whose rows may be of another width. */
function copyRows(from: Int32Array, to: Int32Array, { rows, width }: { rows: number; width: number }): void {
  const fromWidth = from.length / rows;
  const words = Math.min(width, fromWidth);
  for (let row = 0; row < rows; row++) {
    for (let word = 0; word < words; word++) to[row * width + word] = from[row * fromWidth + word] as number;
  }
}
