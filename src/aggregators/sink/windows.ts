import {
  HEALTH,
  HEALTH_NAME,
  LIST_NAME,
  PANE_RETENTION_MS,
  type PaneMetricId,
  paneExpiriesKey,
  paneIndexKey,
  paneKey,
  singleKey,
  TOTALS,
} from '../../shared/live-keys.js';
import type { PartitionHealth } from '../../shared/partition-health.js';
import type { StateChanges } from '../state/changes.js';
import type { PaneChange } from '../windows/panes.js';

/** One script call blocks Redis for a millisecond or two at this size. */
export const MAX_WINDOWS_PER_CALL = 500;
const MAX_PAIRS_PER_CALL = 4_000;

/** What one partition has in one hash of a metric, as `write-panes.lua` takes it. */
interface Window {
  readonly key: string;
  /** Start of the pane; empty for a window that is none. */
  readonly start: number | '';
  readonly expiryMs: number | '';
  readonly revision: number | '';
  /** There is more of the partition in it, which was written before. */
  readonly partial: '1' | '';
  readonly pairs: readonly (string | number)[];
}

/** Windows of one metric, no more than one call may write, and what the script needs of the metric beside its hashes. */
export interface MetricWindows {
  readonly name: string;
  readonly indexKey: string;
  readonly expiriesKey: string;
  /** Its writes are not announced. */
  readonly quiet: boolean;
  readonly windows: readonly Window[];
}

/** What is to be written of changes, but for the late events. */
export const windowsOf = ({ position, panes, lists, totals }: StateChanges): MetricWindows[] => [
  ...panes.flatMap(({ metric, changes }) => paneWindows(metric, changes, position.enqueuedAtMs)),
  ...lists.map(({ metric, entries }) => single(metric, [LIST_NAME, JSON.stringify(entries)])),
  ...totals.map((change) => single(TOTALS, pairsOf(change), partialOf(change))),
];

export const windowOfHealth = (health: PartitionHealth): MetricWindows =>
  single(HEALTH, [HEALTH_NAME, JSON.stringify(health)]);

function paneWindows(metric: PaneMetricId, changes: readonly PaneChange[], enqueuedAtMs: number): MetricWindows[] {
  const { name } = metric;
  const [indexKey, expiriesKey] = [paneIndexKey(metric), paneExpiriesKey(metric)];
  const windows = changes.map((pane) => paneWindow(metric, pane, enqueuedAtMs));
  return Array.from(chunks(windows), (chunk) => ({ name, indexKey, expiriesKey, quiet: false, windows: chunk }));
}

/** Readable for the retention after its end, or after its data reached the hub: old events of an import are shown too. */
function paneWindow(metric: PaneMetricId, pane: PaneChange, enqueuedAtMs: number): Window {
  const expiryMs = Math.max(pane.startMs + metric.paneMs, enqueuedAtMs) + PANE_RETENTION_MS;
  const { startMs, revision = '' } = pane;
  const key = paneKey(metric, startMs);
  return { key, start: startMs, expiryMs, revision, partial: partialOf(pane), pairs: pairsOf(pane) };
}

/** A hash that is no pane is in no index: the two keys stay empty, and are here because the script names its keys. */
function single(name: string, pairs: Window['pairs'], partial: Window['partial'] = ''): MetricWindows {
  const key = singleKey(name);
  const window: Window = { key, start: '', expiryMs: '', revision: '', partial, pairs };
  return { name, indexKey: `${key}:index`, expiriesKey: `${key}:expiries`, quiet: name === HEALTH, windows: [window] };
}

const partialOf = ({ partial }: PaneChange): Window['partial'] => (partial ? '1' : '');

function pairsOf(change: PaneChange): (string | number)[] {
  const pairs: (string | number)[] = [];
  for (let at = 0; at < change.names.length; at++) {
    const value = change.values[at] as number | string;
    pairs.push(change.names[at] as string, value === 0 ? '' : value);
  }
  return pairs;
}

function* chunks(windows: readonly Window[]): Generator<Window[]> {
  let chunk: Window[] = [];
  let pairs = 0;
  for (const window of windows) {
    const tooMany = chunk.length >= MAX_WINDOWS_PER_CALL || pairs + window.pairs.length / 2 > MAX_PAIRS_PER_CALL;
    if (chunk.length > 0 && tooMany) {
      yield chunk;
      chunk = [];
      pairs = 0;
    }
    chunk.push(window);
    pairs += window.pairs.length / 2;
  }
  if (chunk.length > 0) yield chunk;
}
