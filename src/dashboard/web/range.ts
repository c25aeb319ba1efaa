import { byId, element } from './dom.js';

const MINUTE_MS = 60_000;

/** What the page looks back over. Without minutes it is what the live figures are of. */
export interface Range {
  readonly id: string;
  readonly label: string;
  readonly minutes: number;
  readonly stepMinutes: number;
  /** "last 6 hours". */
  readonly note: string;
}

export const LIVE: Range = { id: 'live', label: 'Live', minutes: 0, stepMinutes: 1, note: '' };

const RANGES: readonly Range[] = [
  LIVE,
  { id: '1h', label: '1 h', minutes: 60, stepMinutes: 1, note: 'last hour' },
  { id: '6h', label: '6 h', minutes: 360, stepMinutes: 5, note: 'last 6 hours' },
  { id: '24h', label: '24 h', minutes: 1_440, stepMinutes: 15, note: 'last 24 hours' },
  { id: '7d', label: '7 d', minutes: 10_080, stepMinutes: 120, note: 'last 7 days' },
];

/** One look at a range. It is over when the signal is given: then another one was chosen. */
export interface Look {
  readonly range: Range;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** Panes of a metric, as `GET /api/metrics/:metric` gives them. */
export interface Pane<Value = number> {
  readonly start: string;
  readonly values: Readonly<Record<string, Value>>;
  /** How often something that was counted in it was taken back. */
  readonly revision?: number;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** Whole steps, the running one included. */
export function spanOf({ minutes, stepMinutes }: Range, nowMs: number): Span {
  const stepMs = stepMinutes * MINUTE_MS;
  const toMs = (Math.floor(nowMs / stepMs) + 1) * stepMs;
  return { fromMs: toMs - minutes * MINUTE_MS, toMs, stepMs };
}

/** One row for each step, 0 where nothing was; `names` each as their mean a minute. */
export function rowsOf(
  panes: readonly Pane[],
  { fromMs, toMs, stepMs }: Span,
  names: readonly string[],
  nowMs: number,
) {
  const byStart = new Map(panes.map(({ start, values }) => [Date.parse(start), values]));
  return Array.from({ length: Math.round((toMs - fromMs) / stepMs) }, (_, index) => {
    const startMs = fromMs + index * stepMs;
    // The running step has had fewer minutes, the running one of them included.
    const minutes = Math.max(1, Math.ceil((Math.min(nowMs, startMs + stepMs) - startMs) / MINUTE_MS));
    return { startMs, values: names.map((name) => (byStart.get(startMs)?.[name] ?? 0) / minutes) };
  });
}

/** Largest first. */
export function rankedOf(panes: readonly Pane[], count: number): { label: string; value: number }[] {
  return Object.entries(panes[0]?.values ?? {})
    .map(([label, value]) => ({ label, value }))
    .filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value || (a.label < b.label ? -1 : 1))
    .slice(0, count);
}

export async function fetchPanes<Value = number>(
  metric: string,
  { fromMs, toMs }: Span,
  { stepMinutes, top, signal }: { readonly stepMinutes: number; readonly top?: number; readonly signal: AbortSignal },
): Promise<readonly Pane<Value>[]> {
  const query = new URLSearchParams({
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    step: String(stepMinutes),
    ...(top === undefined ? {} : { top: String(top) }),
  });
  const response = await fetch(`api/metrics/${encodeURIComponent(metric)}?${query}`, { signal });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return ((await response.json()) as { panes: readonly Pane<Value>[] }).panes;
}

/** The choice of a range: radio buttons, so that arrow keys move between them. */
export function createRangeChoice(onChoose: (range: Range) => void): void {
  const choice = byId('range');
  for (const range of RANGES) {
    const input = element('input');
    input.type = 'radio';
    input.name = 'range';
    input.value = range.id;
    input.checked = range === LIVE;
    input.addEventListener('change', () => onChoose(range));
    choice.append(element('label', '', input, element('span', '', document.createTextNode(range.label))));
  }
}
