import type { Owner } from '../../../src/aggregators/sink/owner.js';
import type { StateChanges } from '../../../src/aggregators/state/changes.js';
import type { LateChange } from '../../../src/aggregators/state/late.js';
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
   * Returns the highest owner epoch, the sequence number of the furthest window that was left as it is, or -1, and whether
   * the writer's claim is lost, or what is there is of another hub; nothing was written when the epoch is not the writer's,
   * or the hub is another.
   */
  call(owner: Owner, sequenceNumber: number, call: ModelCall): readonly [epoch: number, aheadAt: number, lost: boolean];
  /** Streams of late events by partition. */
  readonly late: ReadonlyMap<string, readonly LateEvent[]>;
  /** As the script for late events: the highest owner epoch, and whether the claim or the event before them is lost. */
  addLate(owner: Owner, change: LateChange): readonly [epoch: number, lost: boolean];
  /** As the script that compares hubs, for one metric: the highest owner epoch, and whether it is the same hub. */
  adopt(owner: Owner, metric: string, lastSequenceNumber?: number): readonly [epoch: number, isSame: boolean];
  /** Whether this owner, or a later one, has claimed a metric. */
  isClaimed(owner: Owner, metric: string): boolean;
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
  /** When the hub was made that a metric's values of a partition are of. */
  let hubs = new Map<string, number>();
  /** Whether values may be written: there are none of another hub. */
  const isOfHub = (key: string, hubCreatedAtMs: number | undefined): boolean => {
    if (hubCreatedAtMs === undefined) return true;
    const hub = hubs.get(key) ?? hubCreatedAtMs;
    hubs.set(key, hub);
    return hub === hubCreatedAtMs;
  };
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
    call({ partition, epoch, hubCreatedAtMs }, sequenceNumber, { metric, windows }) {
      const key = `${metric}/${partition}`;
      const highest = owners.get(key) ?? 0;
      if (highest > epoch) return [highest, -1, false];
      owners.set(key, epoch);
      if (!isOfHub(key, hubCreatedAtMs)) return [epoch, -1, true];
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
      return [epoch, aheadAt, highest < epoch];
    },
    get late() {
      return late;
    },
    addLate({ partition, epoch, hubCreatedAtMs }, { after, events }) {
      const key = `${LATE}/${partition}`;
      const highest = owners.get(key) ?? 0;
      if (highest > epoch) return [highest, false];
      owners.set(key, epoch);
      if (!isOfHub(key, hubCreatedAtMs)) return [epoch, true];
      const stream = late.get(partition) ?? [];
      late.set(partition, stream);
      if (after !== undefined && isAfter(after, stream.at(-1))) return [epoch, true];
      for (const event of events) if (isAfter(event, stream.at(-1))) stream.push(event);
      return [epoch, highest < epoch];
    },
    adopt({ partition, epoch, hubCreatedAtMs }, metric, lastSequenceNumber = Number.POSITIVE_INFINITY) {
      const key = `${metric}/${partition}`;
      const highest = owners.get(key) ?? 0;
      if (highest > epoch) return [highest, false];
      owners.set(key, epoch);
      const ofMetric = [...versions].filter(([window]) => window.startsWith(`${metric}/`));
      const reached = Math.max(-1, ...ofMetric.map(([window, at]) => (window.endsWith(`/${partition}`) ? at : -1)));
      if (highest === epoch && reached > lastSequenceNumber) return [epoch, false];
      return [epoch, isOfHub(key, hubCreatedAtMs)];
    },
    isClaimed: ({ partition, epoch }, metric) => (owners.get(`${metric}/${partition}`) ?? 0) >= epoch,
    forget({ partition, epoch }) {
      const highest = Math.max(...[...owners].map(([key, ofKey]) => (key.split('/')[1] === partition ? ofKey : 0)));
      if (highest > epoch) return highest;
      forgets++;
      for (const kept of [versions, values, revisions])
        for (const key of kept.keys()) if (key.split('/')[2] === partition) kept.delete(key);
      late.delete(partition);
      for (const key of hubs.keys()) if (key.split('/')[1] === partition) hubs.delete(key);
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
