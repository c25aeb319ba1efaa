import type { LiveFigures } from '../../shared/live.js';

export interface MinuteFigure {
  /** The sum or the distinct count over the last 15 minutes. */
  readonly total: number;
  /** The last minute that is over. */
  readonly lastMinute: number;
  /** Against the minute before that. */
  readonly change: number;
}

export interface DeviceShare {
  readonly type: string;
  readonly count: number;
  /** From 0 to 1, of all counts. */
  readonly share: number;
}

type Pane = LiveFigures['visitors']['series'][number];

export function visitorsFigure({ visitors }: LiveFigures): MinuteFigure {
  return { total: visitors.total, ...lastMinutes(visitors.series, (pane) => pane.visitors) };
}

export function pageViewsFigure({ visitors }: LiveFigures): MinuteFigure {
  const total = visitors.series.reduce((sum, pane) => sum + pane.pageViews, 0);
  return { total, ...lastMinutes(visitors.series, (pane) => pane.pageViews) };
}

/** The newest pane is still filling: comparing it with a full one would show a fall that is none. */
function lastMinutes(series: readonly Pane[], measure: (pane: Pane) => number) {
  const [before, last] = series.slice(-3, -1);
  const lastMinute = last ? measure(last) : 0;
  return { lastMinute, change: lastMinute - (before ? measure(before) : 0) };
}

/** Largest first. */
export function deviceShares({ devices }: Pick<LiveFigures, 'devices'>): readonly DeviceShare[] {
  const counts = Object.entries(devices.byType).filter(([, count]) => count > 0);
  // A visitor with two devices counts once in the total and once for each device.
  const sum = counts.reduce((total, [, count]) => total + count, 0);
  return counts
    .map(([type, count]) => ({ type, count, share: count / sum }))
    .sort((a, b) => b.count - a.count || a.type.localeCompare(b.type));
}

export type Judgement = 'good' | 'bad';

/** What a change is, where it is known what a rise is. */
export function judge(change: number, rise: Judgement | undefined): Judgement | 'neither' {
  if (change === 0 || rise === undefined) return 'neither';
  return change > 0 === (rise === 'good') ? 'good' : 'bad';
}

export function isEmpty(figures: LiveFigures): boolean {
  return figures.events.length === 0 && figures.visitors.total === 0 && figures.visitorsLatest.length === 0;
}

/** The stream's messages in order give the figures: a snapshot replaces all, an update replaces what it holds. */
export function merge(
  before: LiveFigures | undefined,
  kind: 'snapshot' | 'update',
  data: Partial<LiveFigures>,
): LiveFigures | undefined {
  if (kind === 'snapshot') return data as LiveFigures;
  return before && { ...before, ...data };
}
