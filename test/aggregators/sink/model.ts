import { fencedError } from '../../../src/aggregators/errors.js';
import type { AdoptingHub } from '../../../src/aggregators/sink/hub-change.js';
import type { Owner } from '../../../src/aggregators/sink/owner.js';
import type { LateChange } from '../../../src/aggregators/state/late.js';
import type { StateChanges } from '../../../src/aggregators/state/partition.js';
import type { LateEvent } from '../../../src/shared/late-events.js';
import { LATE } from '../../../src/shared/live-keys.js';

type Value = number | string;

/** One call of the script: values of one metric by the start of the window. */
export interface ModelCall {
  readonly metric: string;
  readonly windows: readonly {
    readonly startMs: number;
    readonly names: readonly string[];
    readonly values: readonly Value[];
    readonly revision?: number;
  }[];
}

/**
 * What Redis holds, with the same fence as the scripts; a property test holds it to the scripts in a real Redis. Keys are
 * `metric/start/partition` for versions and revisions, and `metric/start/partition/name` for values.
 */
export interface SinkModel {
  readonly values: ReadonlyMap<string, Value>;
  /** Sequence numbers that the windows are at. */
  readonly versions: ReadonlyMap<string, number>;
  /** How often something was taken back in a pane. */
  readonly revisions: ReadonlyMap<string, number>;
  /** Keys of values that were written since this was cleared. */
  readonly changed: Set<string>;
  /**
   * Returns the highest owner epoch, and the sequence number of the furthest window that was left as it is, or -1; nothing
   * was written when the epoch is not the writer's.
   */
  call(owner: Owner, sequenceNumber: number, call: ModelCall): readonly [epoch: number, aheadAt: number];
  /** Streams of late events by partition. */
  readonly late: ReadonlyMap<string, readonly LateEvent[]>;
  /** As the script for late events; -1 when the one before them is not there. */
  addLate(owner: Owner, change: LateChange): number;
  /** As the script that compares hubs; an epoch when that of a later owner is known. */
  adopt(owner: Owner, hub: AdoptingHub): boolean | number;
  /** Removes what the partition wrote; returns the highest owner epoch. */
  forget(owner: Owner): number;
  /** How often something was removed. */
  readonly forgets: number;
  /** A backup, to come back to. */
  copy(): () => void;
  clear(): void;
}

export function createSinkModel(): SinkModel {
  let owners = new Map<string, number>();
  let versions = new Map<string, number>();
  let values = new Map<string, Value>();
  let revisions = new Map<string, number>();
  let late = new Map<string, LateEvent[]>();
  let hubs = new Map<string, number>();
  let forgets = 0;
  const changed = new Set<string>();
  return {
    get values() {
      return values;
    },
    get versions() {
      return versions;
    },
    get revisions() {
      return revisions;
    },
    changed,
    call({ partition, epoch }, sequenceNumber, { metric, windows }) {
      const highest = owners.get(`${metric}/${partition}`) ?? 0;
      if (highest > epoch) return [highest, -1];
      owners.set(`${metric}/${partition}`, epoch);
      let aheadAt = -1;
      for (const { startMs, names, values: newValues, revision } of windows) {
        const window = `${metric}/${startMs}/${partition}`;
        const version = versions.get(window) ?? -1;
        if (version > sequenceNumber) {
          aheadAt = Math.max(aheadAt, version);
          continue;
        }
        versions.set(window, sequenceNumber);
        if (revision !== undefined) revisions.set(window, revision);
        for (const [index, name] of names.entries()) {
          const value = newValues[index] as Value;
          changed.add(`${window}/${name}`);
          if (value === 0) values.delete(`${window}/${name}`);
          else values.set(`${window}/${name}`, value);
        }
      }
      return [epoch, aheadAt];
    },
    get late() {
      return late;
    },
    addLate({ partition, epoch }, { after, events }) {
      const highest = owners.get(`${LATE}/${partition}`) ?? 0;
      if (highest > epoch) return highest;
      owners.set(`${LATE}/${partition}`, epoch);
      const stream = late.get(partition) ?? [];
      late.set(partition, stream);
      if (after !== undefined && isAfter(after, stream.at(-1))) return -1;
      for (const event of events) if (isAfter(event, stream.at(-1))) stream.push(event);
      return epoch;
    },
    adopt({ partition, epoch }, { hubCreatedAtMs, lastSequenceNumber = Number.POSITIVE_INFINITY }) {
      const highest = owners.get(`totals/${partition}`) ?? 0;
      if (highest > epoch) return highest;
      const hub = hubs.get(partition);
      const reached = versions.get(`totals/0/${partition}`) ?? -1;
      if (highest === epoch && reached > lastSequenceNumber) return false;
      if (hub !== undefined && hubCreatedAtMs !== undefined && hub !== hubCreatedAtMs) return false;
      if (hubCreatedAtMs !== undefined) hubs.set(partition, hubCreatedAtMs);
      return true;
    },
    forget({ partition, epoch }) {
      const highest = Math.max(...[...owners].map(([key, ofKey]) => (key.split('/')[1] === partition ? ofKey : 0)));
      if (highest > epoch) return highest;
      forgets++;
      for (const kept of [versions, values, revisions])
        for (const key of kept.keys()) if (key.split('/')[2] === partition) kept.delete(key);
      late.delete(partition);
      hubs.delete(partition);
      return epoch;
    },
    get forgets() {
      return forgets;
    },
    copy() {
      const lateNow = new Map([...late].map(([partition, stream]) => [partition, [...stream]]));
      const kept = [new Map(owners), new Map(versions), new Map(values), new Map(revisions)] as const;
      const hubsNow = new Map(hubs);
      return () => {
        owners = new Map(kept[0]);
        versions = new Map(kept[1]);
        values = new Map(kept[2]);
        revisions = new Map(kept[3]);
        hubs = new Map(hubsNow);
        late = new Map([...lateNow].map(([partition, stream]) => [partition, [...stream]]));
      };
    },
    clear() {
      owners = new Map();
      versions = new Map();
      values = new Map();
      revisions = new Map();
      late = new Map();
      hubs = new Map();
    },
  };
}

const isAfter = (event: LateEvent, last: LateEvent | undefined): boolean =>
  last === undefined ||
  event.sequenceNumber > last.sequenceNumber ||
  (event.sequenceNumber === last.sequenceNumber && event.index > last.index);

/** The calls that a flush is made of. */
export function callsOf({ panes, totals }: StateChanges): ModelCall[] {
  const calls = panes.map(({ metric, changes }) => ({ metric: metric.name, windows: changes }));
  return totals.length === 0 ? calls : [...calls, { metric: 'totals', windows: totals }];
}

export function refuseFormer({ partition, epoch }: Owner, epochs: readonly number[]): void {
  const by = Math.max(epoch, ...epochs);
  if (by > epoch) throw fencedError(`partition ${partition}`, { epoch, by });
}
