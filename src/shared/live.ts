import type { AggregateName, AggregateResult } from './aggregates/index.js';

/**
 * The figures of the live dashboard as `GET /api/live` gives them: design of the HTTP surface. The aggregators' sink
 * writes them to Redis, `query` reads them, the dashboard shows them.
 */
export interface LiveFigures {
  /** ISO 8601 time of the reading. */
  readonly asOf: string;
  readonly visitors: {
    /** Distinct visitors over the last 15 minutes. */
    readonly total: number;
    /** 15 one-minute panes, oldest first, gaps filled with 0. */
    readonly series: readonly { readonly start: string; readonly visitors: number; readonly pageViews: number }[];
  };
  readonly sessions: {
    /** Sessions whose last event is less than 30 minutes old. */
    readonly open: number;
    /** Sessions that began in each of the last 16 half hours, oldest first, gaps filled with 0. */
    readonly series: readonly (Revisable & { readonly start: string; readonly sessions: number })[];
  };
  /** Distinct visitors active in the last 10 minutes by device type. */
  readonly devices: { readonly total: number; readonly byType: Readonly<Record<string, number>> };
  /** The 10 most viewed pages of the last hour. */
  readonly pages: readonly { readonly path: string; readonly views: number }[];
  /** Views by product category over the last hour. */
  readonly categories: readonly { readonly category: string; readonly views: number }[];
  /** The 10 most recent visitors. */
  readonly visitorsLatest: readonly LatestVisitor[];
  /** The newest 20 transitions of the behaviour detector, newest first. */
  readonly offers: readonly LatestOffer[];
  /** The newest 100 events, newest first. */
  readonly events: readonly LatestEvent[];
  /** Every further metric that the aggregators keep, by name. */
  readonly metrics: Readonly<Record<string, ShownMetric>>;
}

/** A pane or window in which something may be taken back that was counted before. */
interface Revisable {
  /** How often that was; it only rises, and is left out where nothing was. A value goes down with a higher one alone. */
  readonly revision?: number;
}

/** A metric as its description says that it is to be shown. */
export interface ShownMetric {
  readonly help: string;
  readonly unit: string;
  readonly aggregate: AggregateName;
  /** The time that `values` are about: this long up to now. */
  readonly windowMs: number;
  /** Largest first. */
  readonly values: readonly { readonly key: string; readonly value: AggregateResult }[];
  /** Windows, oldest first, each with what there is in it of the same names; empty for a metric without a series. */
  readonly series: readonly (Revisable & {
    readonly start: string;
    readonly values: Readonly<Record<string, AggregateResult>>;
  })[];
}

export interface LatestVisitor {
  /** ISO 8601 time of the visitor's newest event. */
  readonly time: string;
  readonly anonymousId: string;
  readonly ip?: string;
  readonly country?: string;
}

/** A step of a visitor in a behaviour. */
export interface LatestOffer {
  /** ISO 8601 time of the event that led to it. */
  readonly time: string;
  readonly anonymousId: string;
  readonly behaviour: string;
  /** The states before and after. */
  readonly from: string;
  readonly to: string;
  /** Name of the offer that was made with it. */
  readonly offer?: string;
}

export interface LatestEvent {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly source: string;
  readonly subject?: string;
  readonly path?: string;
}

/** What the dashboard needs of the live figures: a reading, and a call when there is something new. */
export interface LiveSource {
  read(): Promise<LiveFigures>;
  /** Calls `onChange` after the figures changed; several changes may be one call. Returns the unsubscribe function. */
  subscribe(onChange: () => void): () => void;
}
