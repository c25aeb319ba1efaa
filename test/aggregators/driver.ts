import { allMetrics, descriptions } from '../../src/aggregators/metrics/index.js';
import { type AggregatorOptions, defaultAggregatorOptions } from '../../src/aggregators/options.js';
import type { StateChanges } from '../../src/aggregators/state/changes.js';
import { createPartitionState, type PartitionState } from '../../src/aggregators/state/partition.js';
import { decodeSnapshot, encodeSnapshot } from '../../src/aggregators/state/snapshot.js';
import type { BehaviourDefinition } from '../../src/shared/config/index.js';
import type { MetricDescription } from '../../src/shared/live-catalogue.js';
import { type Hash64, sipHash } from '../../src/shared/siphash.js';

/** How the aggregators describe one of their metrics. */
export function descriptionOf(name: string): MetricDescription {
  const found = descriptions.find((description) => description.name === name);
  if (found === undefined) throw new Error(`no metric ${name}`);
  return found;
}

export const START_MS = Date.UTC(2026, 0, 1);

/** An event as far as aggregators look at it. */
export interface TestEvent {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly data: {
    readonly anonymousId?: string;
    readonly page?: { readonly path: string };
    readonly properties?: Readonly<Record<string, unknown>>;
    readonly context: { readonly device?: string };
  };
}

let ids = 0;

/** A page view `atMs` after the start. */
export function pageView(atMs: number, fields: { id?: string; visitor?: string; path?: string; device?: string } = {}) {
  return {
    id: fields.id ?? `e${ids++}`,
    type: 'page_view',
    time: new Date(START_MS + atMs).toISOString(),
    source: 'shop',
    data: {
      anonymousId: fields.visitor ?? 'v1',
      page: { path: fields.path ?? '/' },
      context: { device: fields.device ?? 'desktop' },
    },
  };
}

/** What Redis would hold, with the same fence as the script: values by `metric/pane/partition/name`. */
function createShown() {
  const versions = new Map<string, number>();
  const values = new Map<string, number | string>();
  return {
    values,
    write(partition: string, { position, panes, totals }: StateChanges) {
      const named = panes.map(({ metric, changes }) => ({ metric: metric.name, changes }));
      for (const { metric, changes } of [...named, { metric: 'totals', changes: totals }]) {
        for (const { startMs, names, values: newValues } of changes) {
          const window = `${metric}/${startMs}/${partition}`;
          if ((versions.get(window) ?? -1) > position.sequenceNumber) continue;
          versions.set(window, position.sequenceNumber);
          names.forEach((name, index) => {
            const value = newValues[index] as number | string;
            if (value === 0) values.delete(`${window}/${name}`);
            else values.set(`${window}/${name}`, value);
          });
        }
      }
    },
    /** The value added up over the partitions. */
    sum(metric: string, startMs: number, name: string): number {
      let sum = 0;
      for (const [key, value] of values) {
        const [ofMetric, ofPane, , ...rest] = key.split('/');
        if (ofMetric === metric && Number(ofPane) === startMs && rest.join('/') === name) sum += value as number;
      }
      return sum;
    },
  };
}

/** One partition, synchronous and in virtual time: feed it, show it, save it, crash it. */
export function createPartitionDriver(
  partition = '0',
  options: AggregatorOptions = defaultAggregatorOptions,
  behaviours: readonly BehaviourDefinition[] = [],
) {
  const parts = { ...allMetrics, behaviours, seed: [7, 11] as const };
  const log: { pack: readonly unknown[] | undefined; readonly enqueuedAtMs: number }[] = [];
  const shown = createShown();
  let state: PartitionState = createPartitionState(options, parts);
  let saved: Buffer | undefined;

  const driver = {
    shown,
    get state() {
      return state;
    },
    /** The hub gets a pack; nobody has read it yet. */
    send(pack: readonly unknown[] | undefined, enqueuedAfterMs?: number) {
      const newest = Math.max(
        START_MS,
        ...(pack ?? []).map((event) => {
          const { time } = (event ?? {}) as { time?: unknown };
          return typeof time === 'string' ? Date.parse(time) || 0 : 0;
        }),
      );
      log.push({ pack, enqueuedAtMs: enqueuedAfterMs === undefined ? newest : START_MS + enqueuedAfterMs });
    },
    /** Reads up to `count` hub events on from the state's position. */
    read(count = Number.POSITIVE_INFINITY) {
      const from = (state.position?.sequenceNumber ?? -1) + 1;
      for (let at = from; at < Math.min(log.length, from + count); at++) {
        const { pack, enqueuedAtMs } = log[at] as (typeof log)[number];
        state.apply(pack, { sequenceNumber: at, offset: String(at * 100), enqueuedAtMs });
      }
    },
    show() {
      const changes = state.takeChanges();
      if (changes === undefined) return;
      shown.write(partition, changes);
      state.written(changes);
    },
    /** Redis is away. */
    failToShow() {
      const changes = state.takeChanges();
      if (changes !== undefined) state.notWritten(changes);
    },
    async save() {
      if (state.position !== undefined) saved = await encodeSnapshot(state.save());
    },
    /** The saved state is gone, and of what was read the hub has only the newest `retained` events. */
    lose(retained: number) {
      saved = undefined;
      for (const event of log.slice(0, Math.max(0, (state.position?.sequenceNumber ?? -1) + 1 - retained)))
        event.pack = [];
    },
    async crash() {
      state = createPartitionState(options, parts, saved === undefined ? undefined : await decodeSnapshot(saved));
    },
    /** Counts the events at once. */
    count(...events: unknown[]) {
      driver.send(events);
      driver.read();
      driver.show();
    },
    total: (name: string) => shown.sum('totals', 0, name),
    pane: (metric: string, atMs: number, name: string) => shown.sum(metric, START_MS + atMs, name),
  };
  return driver;
}

/** What visitors and sessions are kept by. */
export const keyOf = (name: string): Hash64 => ({ ...sipHash(name, 7, 11) });
