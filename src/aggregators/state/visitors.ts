import type { DeviceType } from '../../events/index.js';

/**
 * Who was seen when: for each visitor of one partition the panes with an event of theirs, and the newest pane for each
 * type of device. A visitor's events all go to one partition, so distinct visitors are the sum over partitions.
 */
export interface Visitors {
  /**
   * Takes note of an event in the pane that starts at `paneMs`. The result is valid until the next call; undefined for
   * a new visitor when as many as allowed are kept.
   */
  visit(visitor: string, paneMs: number, device: DeviceType): Visit | undefined;
  /** Forgets who was last seen before `horizonMs`, in steps of event time, so that a replay keeps the same ones. */
  evict(horizonMs: number): void;
  entries(): SavedVisitor[];
  readonly size: number;
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

export type SavedVisitor = readonly [visitor: string, panes: readonly number[], devices: readonly number[]];

/** Order of the types in a visitor's `devices`. */
const deviceTypes: readonly DeviceType[] = ['desktop', 'mobile', 'tablet', 'other'];
const deviceIndex = new Map<string, number>(deviceTypes.map((type, index) => [type, index]));

const NEVER = -1;
/** Forgetting looks at every visitor, so it is done in steps of event time. */
const SWEEP_STEP_MS = 10 * 60_000;

interface Visitor {
  /** Starts of the panes with an event, ascending; those before the horizon are removed as new ones come. */
  panes: number[];
  /** Start of the newest pane by device type. */
  devices: number[];
}

export function createVisitors(maxVisitors: number, saved: readonly SavedVisitor[] = []): Visitors {
  const visitors = new Map<string, Visitor>();
  for (const [name, panes, devices] of saved) visitors.set(name, { panes: [...panes], devices: [...devices] });
  let horizonMs = Number.NEGATIVE_INFINITY;
  let sweptMs = Number.NEGATIVE_INFINITY;
  const visit: Visit = {
    firstInPane: false,
    newest: false,
    previousNewestMs: NEVER,
    newestOfDevice: false,
    previousNewestOfDeviceMs: NEVER,
  };
  /** What lies before the horizon counts as never having been. */
  const live = (paneMs: number | undefined) => (paneMs !== undefined && paneMs >= horizonMs ? paneMs : NEVER);

  return {
    visit(name, paneMs, device) {
      let visitor = visitors.get(name);
      if (visitor === undefined) {
        if (visitors.size >= maxVisitors) return undefined;
        visitor = { panes: [], devices: [NEVER, NEVER, NEVER, NEVER] };
        visitors.set(name, visitor);
      }
      const { panes, devices } = visitor;
      const last = live(panes.at(-1));
      visit.previousNewestMs = last;
      visit.newest = paneMs > last;
      visit.firstInPane = visit.newest || insert(panes, paneMs, last);
      if (visit.newest) {
        while (panes.length > 0 && (panes[0] as number) < horizonMs) panes.shift();
        panes.push(paneMs);
      }
      const index = deviceIndex.get(device) ?? deviceTypes.length - 1;
      visit.previousNewestOfDeviceMs = live(devices[index]);
      visit.newestOfDevice = paneMs > visit.previousNewestOfDeviceMs;
      if (visit.newestOfDevice) devices[index] = paneMs;
      return visit;
    },
    evict(newHorizonMs) {
      horizonMs = newHorizonMs;
      const stepMs = Math.floor(horizonMs / SWEEP_STEP_MS) * SWEEP_STEP_MS;
      if (stepMs <= sweptMs) return;
      sweptMs = stepMs;
      for (const [name, visitor] of visitors) if ((visitor.panes.at(-1) ?? NEVER) < stepMs) visitors.delete(name);
    },
    entries: () =>
      [...visitors].map(([name, { panes, devices }]) => [
        name,
        // The newest stays, whose time decides when the visitor leaves.
        panes.filter((pane, index) => pane >= horizonMs || index === panes.length - 1),
        devices.map(live),
      ]),
    get size() {
      return visitors.size;
    },
  };
}

/** Puts an older pane in its place. Returns false when it was there. */
function insert(panes: number[], paneMs: number, lastMs: number): boolean {
  if (paneMs === lastMs) return false;
  let at = panes.length;
  while (at > 0 && (panes[at - 1] as number) > paneMs) at--;
  if (panes[at - 1] === paneMs) return false;
  panes.splice(at, 0, paneMs);
  return true;
}
