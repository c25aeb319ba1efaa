import type { LiveFigures } from '../../../src/shared/live.js';
import type { GroundTruth } from '../../../src/simulator/index.js';

const MINUTE_MS = 60_000;
/** Held back and offline events happened before they are sent. */
const BEFORE_MS = 20 * MINUTE_MS;
const CURRENCY = 'EUR';
const TOP = 10;

type Values = Readonly<Record<string, number>>;

interface Pane {
  readonly start: string;
  readonly values: Values;
}

/** What an instance shows of a run: the retained panes, and the live figures. */
export interface Shown {
  readonly panes: Readonly<Record<'visitors' | 'sessions' | 'funnel' | 'revenue' | 'pages', readonly Pane[]>>;
  readonly live: LiveFigures;
}

export async function readShown(admin: string, truth: GroundTruth): Promise<Shown> {
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(admin + path);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as T;
  };
  const [first, last] = [truth.minutes.at(0)?.start, truth.minutes.at(-1)?.start] as [string, string];
  // Sessions are in panes of half an hour.
  const from = new Date(Date.parse(first) - BEFORE_MS - 30 * MINUTE_MS).toISOString();
  const to = new Date(Date.parse(last) + MINUTE_MS).toISOString();
  const names = ['visitors', 'sessions', 'funnel', 'revenue', 'pages'] as const;
  const panes = await Promise.all(
    names.map(async (name) => [
      name,
      (await get<{ panes: Pane[] }>(`/api/metrics/${name}?from=${from}&to=${to}`)).panes,
    ]),
  );
  return { panes: Object.fromEntries(panes), live: await get('/api/live') };
}

/** In what the figures differ from the truth, as far as they look back. */
export function differences(truth: GroundTruth, { panes, live }: Shown): string[] {
  const found: string[] = [];
  const compare = (what: string, actual: unknown, expected: unknown) => {
    const [is, ought] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (is !== ought) found.push(`${what} is ${is}, and ought to be ${ought}`);
  };
  const sum = (name: keyof Shown['panes'], key: string) =>
    panes[name].reduce((total, { values }) => total + (values[key] ?? 0), 0);
  const money = (value: number) => Math.round(value * 100) / 100;
  compare(
    'visitors by minute',
    panes.visitors
      .filter(({ values }) => (values['visitors'] ?? 0) > 0)
      .map(({ start, values }) => ({ start, visitors: values['visitors'], pageViews: values['pageViews'] ?? 0 })),
    truth.minutes,
  );
  compare('sessions', sum('sessions', 'sessions'), truth.sessions);
  compare(
    'funnel',
    { view: sum('funnel', 'view'), cart: sum('funnel', 'cart'), purchase: sum('funnel', 'purchase') },
    truth.funnel,
  );
  compare('revenue', money(sum('revenue', CURRENCY)), truth.purchases.value);
  compare('top pages', topOf(panes.pages), truth.topPages);

  const oldestMs = Date.parse(truth.minutes.at(0)?.start ?? '');
  const ageMs = Date.parse(live.asOf) - oldestMs;
  const metric = (name: string) => live.metrics[name]?.values as { key: string; value: number }[] | undefined;
  if (ageMs < 14 * MINUTE_MS) compare('visitors.total of /api/live', live.visitors.total, truth.visitors);
  if (ageMs < 59 * MINUTE_MS) compare('pages of /api/live', live.pages, truth.topPages);
  if (ageMs < 7 * 60 * MINUTE_MS) {
    compare(
      'sessions of /api/live',
      live.sessions.series.reduce((total, pane) => total + pane.sessions, 0),
      truth.sessions,
    );
    const [durations] = live.metrics['sessionDuration']?.values ?? [];
    compare(
      'sessions whose duration is in /api/live',
      (durations?.value as { count: number } | undefined)?.count,
      truth.sessions,
    );
    const steps = new Map(metric('funnel')?.map(({ key, value }) => [key, value]));
    const { view, cart, purchase } = truth.funnel;
    compare(
      'funnel of /api/live',
      [steps.get('view') ?? 0, steps.get('cart') ?? 0, steps.get('purchase') ?? 0],
      [view, cart, purchase],
    );
  }
  return found;
}

function topOf(panes: readonly Pane[]): { path: string; views: number }[] {
  const views = new Map<string, number>();
  for (const { values } of panes)
    for (const [path, count] of Object.entries(values)) views.set(path, (views.get(path) ?? 0) + count);
  return [...views]
    .sort(([pathA, a], [pathB, b]) => b - a || (pathA < pathB ? -1 : 1))
    .slice(0, TOP)
    .map(([path, count]) => ({ path, views: count }));
}
