/**
 * Where the live figures are in Redis: the one description that the aggregators' sink (which writes) and the query side
 * (which reads) share.
 *
 * One hash for each metric and window. Its fields are `<partition>` (the version: sequence number of the last hub event
 * that is in the values), `<partition>|<name>` (a value; readers add the partitions up), `<partition>#revision` (how often
 * something was taken back in the pane, if ever) and `rev` (another one with each write). Beside them is a hash of the partitions' owners (epochs): who is not the latest may write nothing. All keys of
 * a metric carry the same hash tag, so that one script can write many of its windows in a Redis Cluster. A changed layout
 * or definition takes a new generation and so never mixes with the old.
 */
const GENERATION = 'g2';

/** Width of the panes that most windowed metrics are kept in. */
export const PANE_MS = 60_000;
/** A session ends after this long without an event of its visitor. */
export const SESSION_GAP_MS = 30 * 60_000;

/** Panes ahead of the clock that are looked at too: clocks of gateways and readers differ a little. */
export const AHEAD_PANES = 5;

/** How long a pane stays readable after its end (or after it was last written, if that is later). */
export const PANE_RETENTION_MS = 8 * 24 * 3_600_000;

/** Channel on which every write is announced as `{"metric","partition","version","windows":[start,…]}`. */
export const LIVE_CHANNEL = `penstock:live:${GENERATION}`;

/** Metrics that keep the newest few of something. Their single value is a JSON array. */
export const listMetrics = ['visitorsLatest', 'offers', 'events'] as const;
export type ListMetric = (typeof listMetrics)[number];

/** Running totals of a partition: what was counted, and what was not and why. */
export const TOTALS = 'totals';

/** Names inside the panes of `visitors`. */
export const visitorNames = {
  /** Distinct visitors with an event in the pane. */
  distinct: 'visitors',
  pageViews: 'pageViews',
  /**
   * Distinct visitors whose newest event is in this pane. Each visitor is in one such pane only, so the sum over the
   * panes of the last n minutes is the exact number of distinct visitors of these minutes.
   */
  newest: 'newest',
} as const;

/** The name inside the panes of `sessions`: sessions that began in the pane. */
export const SESSIONS_NAME = 'sessions';

/** Name of the only value of a list metric. */
export const LIST_NAME = 'list';

const base = (metric: string) => `penstock:{live:${metric}}:${GENERATION}`;

/** A metric in panes, as far as its keys depend on it. */
export interface PaneMetricId {
  readonly name: string;
  readonly generation: string;
  readonly paneMs: number;
}

const paneBase = ({ name, generation, paneMs }: PaneMetricId) => `${base(name)}:${generation}:${paneMs}`;

/** Hash of one pane. */
export const paneKey = (metric: PaneMetricId, startMs: number): string => `${paneBase(metric)}:${startMs}`;

/** Sorted set of the panes that exist: member and score are the start of the pane. */
export const paneIndexKey = (metric: PaneMetricId): string => `${paneBase(metric)}:index`;

/** The same panes by the time at which they expire. */
export const paneExpiriesKey = (metric: PaneMetricId): string => `${paneBase(metric)}:expiries`;

/** How far the readers of the partitions are: a hash without panes, of `PartitionHealth` as JSON under `HEALTH_NAME`. */
export const HEALTH = 'health';
export const HEALTH_NAME = 'health';

/** The late events, by which name their owners are kept. */
export const LATE = 'late';

/** Stream of the late events of one partition: Redis Streams, so any client can read on with XREAD or a group of its own. */
export const lateStreamKey = (partition: string): string => `${base(LATE)}:events:${partition}`;

/** About so many of the newest entries stay in the stream of a partition. */
export const LATE_STREAM_LENGTH = 10_000;

/** Hash of the metrics in panes that the aggregators keep: name, and description as JSON. */
export const CATALOGUE_KEY = `penstock:{live:catalogue}:${GENERATION}`;

/**
 * Hash of the owner epoch of each partition, as far as a metric's keys know it; `<partition>#at`: how far its writes are;
 * and `<partition>#hub`: when the hub was made that they were read from.
 */
export const ownersKey = (metric: string): string => `${base(metric)}:owners`;

const SHOWN_MARK = '#at';

/** Of the fields of an owners hash, the one that tells how far the writes of a partition are. */
export const reachedField = (partition: string): string => `${partition}${SHOWN_MARK}`;

/** Of the fields of an owners hash, the partitions that were claimed. */
export const claimedPartitions = (fields: readonly string[]): string[] =>
  fields.filter((field) => !field.includes('#'));

/** Of the fields of an owners hash, the partitions that were written. */
export const shownPartitions = (fields: readonly string[]): string[] =>
  fields.filter((field) => field.endsWith(SHOWN_MARK)).map((field) => field.slice(0, -SHOWN_MARK.length));

/** Hash of a metric that has no panes: lists, totals and health. */
export const singleKey = (metric: string): string => `${base(metric)}:single`;

export const WRITES_FIELD = 'rev';

/** Whether the field tells how often something was taken back in the pane, in one partition. */
export const isRevisionField = (field: string): boolean => field.endsWith('#revision') && !field.includes('|');

/** The partition and name of a value field, or undefined when the field is a version or tells of the whole hash. */
export function parseValueField(field: string): { partition: string; name: string } | undefined {
  const bar = field.indexOf('|');
  return bar < 0 ? undefined : { partition: field.slice(0, bar), name: field.slice(bar + 1) };
}
