import { createNameRoom, type NameBounds } from './name-room.js';
import type { PaneAggregate } from './pane-aggregate.js';

/**
 * Aggregates by name in panes of equal width: the base of all windowed metrics. Hopping and rolling windows are merged
 * from panes. What changed since the last call of `takeDirty` is known, so a sink writes no more than that.
 */
export interface Panes {
  /** Adds an input to the aggregate of `name` in the pane that starts at `startMs`. */
  add(startMs: number, name: string, input: unknown, timeMs: number): void;
  /** Takes back an input that was added before. */
  retract(startMs: number, name: string, input: unknown, timeMs: number): void;
  /** Less is counted in the pane than was shown of it. */
  revise(startMs: number): void;
  /** The panes changed since the last call, with the absolute values of the changed counters. */
  takeDirty(): PaneChange[];
  /** The changes are written: they need not be kept for the sink's sake. */
  written(changes: readonly PaneChange[]): void;
  /** The changes could not be written: they are handed out again by the next `takeDirty`. */
  notWritten(changes: readonly PaneChange[]): void;
  /** Everything that is kept has to be written again. */
  markAllDirty(): void;
  /** Forgets panes that start before `horizonMs`, except those with changes that are not written yet. */
  evict(horizonMs: number): void;
  /** All panes, for a snapshot. */
  entries(): SavedPane[];
  readonly size: number;
  /** Panes that have changes to be written, or being written. */
  readonly unwritten: number;
}

/** A number is a count, and 0 the same as none; other aggregates are text. */
type Encoded = number | string;

/** Names and values are lists, since a name may be one that an object cannot have as a key. */
export type SavedPane = readonly [
  startMs: number,
  names: readonly string[],
  values: readonly Encoded[],
  revision?: number | undefined,
  folds?: true | undefined,
];

export interface PaneChange {
  readonly startMs: number;
  readonly names: readonly string[];
  readonly values: readonly Encoded[];
  /** How often something was taken back in the pane; left out while nothing was. */
  readonly revision?: number;
  /** The pane has other counters, which were taken before: where it is written they have to be there already. */
  readonly partial?: true;
}

interface Counter {
  readonly name: string;
  value: unknown;
  dirty: boolean;
}

interface Pane {
  readonly startMs: number;
  readonly counters: Map<string, Counter>;
  /** Of the names of its counters together. */
  characters: number;
  dirty: Counter[];
  inFlight: number;
  revision: number;
  /**
   * There was no room for a name: it takes no further names, even when there is room again. So what is counted under a name is
   * in one place, where it can be taken back.
   */
  folds: boolean;
  /** It is before the horizon and stays only until it is written. */
  past: boolean;
}

/** Where names beyond the limit are added up. */
const OTHER_NAMES = '(other)';

export function createPanes(aggregate: PaneAggregate, bounds: NameBounds, saved: readonly SavedPane[] = []): Panes {
  const room = createNameRoom(bounds);
  const panes = new Map<number, Pane>();
  let dirtyPanes: Pane[] = [];
  let inFlight = 0;
  let latest: Pane | undefined;

  const paneAt = (startMs: number): Pane => {
    if (latest !== undefined && latest.startMs === startMs) return latest;
    let pane = panes.get(startMs);
    if (pane === undefined) {
      pane = emptyPane(startMs);
      panes.set(startMs, pane);
    }
    latest = pane;
    return pane;
  };
  /** Where the name is counted, if it is. */
  const placeOf = (pane: Pane, name: string): Counter | undefined =>
    pane.counters.get(name) ?? (pane.folds ? pane.counters.get(OTHER_NAMES) : undefined);
  const counterOf = (pane: Pane, name: string): Counter => {
    const known = placeOf(pane, name);
    if (known !== undefined) return known;
    if (name !== OTHER_NAMES && !room.has(name, pane.counters.size)) {
      pane.folds = true;
      return counterOf(pane, OTHER_NAMES);
    }
    const counter = { name, value: aggregate.create(), dirty: false };
    pane.counters.set(name, counter);
    pane.characters += name.length;
    if (!pane.past) room.take(1, name.length);
    return counter;
  };
  const markDirty = (pane: Pane, counter: Counter) => {
    if (counter.dirty) return;
    counter.dirty = true;
    if (pane.dirty.length === 0) dirtyPanes.push(pane);
    pane.dirty.push(counter);
  };
  const settle = (change: PaneChange): Pane | undefined => {
    const pane = panes.get(change.startMs);
    if (pane === undefined) return undefined;
    pane.inFlight--;
    inFlight--;
    return pane;
  };

  for (const [startMs, savedNames, values, revision = 0, folds = false] of saved) {
    const pane = paneAt(startMs);
    const { counters } = pane;
    pane.revision = revision;
    pane.folds = folds;
    savedNames.forEach((name, index) => {
      counters.set(name, { name, value: aggregate.load(values[index] as Encoded), dirty: false });
    });
    pane.characters = savedNames.reduce((sum, name) => sum + name.length, 0);
    room.take(counters.size, pane.characters);
  }

  return {
    add(startMs, name, input, timeMs) {
      const pane = paneAt(startMs);
      const counter = counterOf(pane, name);
      counter.value = aggregate.add(counter.value, input, timeMs);
      if (!counter.dirty) markDirty(pane, counter);
    },
    retract(startMs, name, input, timeMs) {
      const pane = panes.get(startMs);
      if (pane === undefined) return;
      const counter = placeOf(pane, name);
      if (counter === undefined || aggregate.isEmpty(counter.value)) return;
      counter.value = aggregate.retract(counter.value, input, timeMs);
      markDirty(pane, counter);
    },
    revise(startMs) {
      paneAt(startMs).revision++;
    },
    takeDirty() {
      const taken = dirtyPanes;
      dirtyPanes = [];
      return taken.map((pane) => {
        const counters = pane.dirty;
        pane.dirty = [];
        pane.inFlight++;
        inFlight++;
        for (const counter of counters) counter.dirty = false;
        return changeOf(pane, counters, aggregate);
      });
    },
    written(changes) {
      for (const change of changes) settle(change);
    },
    notWritten(changes) {
      for (const change of changes) {
        const pane = settle(change);
        if (pane !== undefined) for (const name of change.names) markDirty(pane, counterOf(pane, name));
      }
    },
    markAllDirty() {
      for (const pane of panes.values()) for (const counter of pane.counters.values()) markDirty(pane, counter);
    },
    evict(horizonMs) {
      for (const pane of panes.values()) {
        if (pane.startMs >= horizonMs) continue;
        if (!pane.past) room.giveBack(pane.counters.size, pane.characters);
        pane.past = true;
        if (pane.dirty.length > 0 || pane.inFlight > 0) continue;
        panes.delete(pane.startMs);
        if (latest === pane) latest = undefined;
      }
    },
    entries: () => Array.from(panes.values(), (pane) => savedPane(pane, aggregate)),
    get size() {
      return panes.size;
    },
    get unwritten() {
      return dirtyPanes.length + inFlight;
    },
  };
}

const emptyPane = (startMs: number): Pane => ({
  startMs,
  counters: new Map(),
  characters: 0,
  dirty: [],
  inFlight: 0,
  revision: 0,
  folds: false,
  past: false,
});

/** What these counters of the pane, which changed, are by now. */
const changeOf = (pane: Pane, counters: readonly Counter[], aggregate: PaneAggregate): PaneChange => ({
  startMs: pane.startMs,
  names: counters.map(({ name }) => name),
  values: counters.map(({ value }) => aggregate.encode(value)),
  ...(pane.revision === 0 ? {} : { revision: pane.revision }),
  ...(counters.length === pane.counters.size ? {} : { partial: true }),
});

function savedPane({ startMs, counters, revision, folds }: Pane, aggregate: PaneAggregate): SavedPane {
  const values = Array.from(counters.values(), ({ value }) => aggregate.save(value));
  const names = [...counters.keys()];
  if (folds) return [startMs, names, values, revision, folds];
  return revision === 0 ? [startMs, names, values] : [startMs, names, values, revision];
}
