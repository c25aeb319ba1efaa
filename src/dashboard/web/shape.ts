import type { AggregateResult } from '../../shared/aggregates/index.js';
import type { ShownMetric } from '../../shared/live.js';

/** A ranked list: what is counted, and how much of it. */
export interface Ranked {
  readonly kind: 'ranked';
  readonly entries: readonly { readonly label: string; readonly value: number }[];
}

/** Numbers over time, and the numbers that stand for all of it. */
export interface Series {
  readonly kind: 'series';
  readonly totals: readonly { readonly label: string; readonly value: number }[];
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly startMs: number;
    readonly values: readonly (number | null)[];
    /** Something that was shown of it was taken back. */
    readonly revised?: boolean;
  }[];
}

/** Things that happened, newest first. */
export interface Listed {
  readonly kind: 'listed';
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export type Shape = Ranked | Series | Listed;

/** More lines or columns than these cannot be told apart. */
const MAX_COLUMNS = 5;
const MAX_DEPTH = 2;

/** The name of the only value of a metric without a key. */
const UNKEYED = 'all';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const timeOf = (value: unknown) => (isText(value) ? Date.parse(value) : Number.NaN);

/**
 * The form that fits a figure, told from the figure itself: a metric that is added to the live figures is on the page
 * without a line of code here. Undefined when there is nothing in it yet, or nothing that can be shown.
 */
export function shapeOf(value: unknown): Shape | undefined {
  if (Array.isArray(value)) return shapeOfItems(value.filter(isFields));
  if (!isFields(value)) return undefined;
  const series = Object.values(value).find((each): each is unknown[] => Array.isArray(each) && isTimeline(each));
  if (series) return seriesOf(series as Fields[], value);
  const items = Object.values(value).find((each): each is Fields[] => Array.isArray(each) && each.some(isFields));
  if (items) return shapeOf(items);
  const entries = numbersIn(value, 0);
  return entries.length > 0 ? { kind: 'ranked', entries } : undefined;
}

/** Panes have a start; things that happened have a time. */
const isTimeline = (items: readonly unknown[]) =>
  items.length > 0 && items.every((item) => isFields(item) && !Number.isNaN(timeOf(item['start'])));

/** Where nothing was, a sum is 0, and a mean is none. */
const NOTHING_IS_0: ReadonlySet<ShownMetric['aggregate']> = new Set(['count', 'sum', 'distinct', 'top']);

/** A metric says itself what it is: its figure over a time, and where it has them the windows before now. */
export function shapeOfMetric({ values, series, aggregate, windowMs }: ShownMetric): Shape | undefined {
  const entries = values.flatMap(({ key, value }) => partsOf(key, value));
  if ([...values, ...series.flatMap(({ values: inWindow }) => entriesOf(inWindow))].some(({ value }) => isText(value)))
    return textsOf(values, series);
  if (series.length === 0) return entries.length > 0 ? { kind: 'ranked', entries } : undefined;
  const rows = series.map(({ start, values: inWindow, revision = 0 }) => ({
    startMs: Date.parse(start),
    revised: revision > 0,
    parts: new Map(
      Object.entries(inWindow).flatMap(([key, value]) =>
        partsOf(key, value).map((part): [string, number] => [part.label, part.value]),
      ),
    ),
  }));
  // By name: a line keeps its place and its colour, whichever is the largest now.
  const names = [...entries.map(({ label }) => label), ...rows.flatMap(({ parts }) => [...parts.keys()])];
  const columns = largest(
    [...new Set(names)].sort(),
    rows.map(({ parts }) => parts),
  );
  if (columns.length === 0) return undefined;
  const nothing = NOTHING_IS_0.has(aggregate) ? 0 : null;
  const steps = rows.map(({ startMs, revised, parts }) => ({
    startMs,
    revised,
    values: columns.map((name) => parts.get(name) ?? nothing),
  }));
  const totals = columns.flatMap((name) => entries.find(({ label }) => label === name) ?? []);
  return { kind: 'series', totals: lastFull({ columns, rows: steps }, windowMs) ?? totals, columns, rows: steps };
}

/**
 * Where the figure is of the time of one step, it is that of the last step that is over: the running one begins at
 * nothing each time, and it is not the one whose change is told.
 */
function lastFull({ columns, rows }: Pick<Series, 'columns' | 'rows'>, windowMs: number): Series['totals'] | undefined {
  const [last, running] = rows.slice(-2);
  if (!last || !running || running.startMs - last.startMs !== windowMs) return undefined;
  return columns.flatMap((label, index) => {
    const value = last.values[index] ?? null;
    return value === null ? [] : [{ label, value }];
  });
}

/** Those of the names that have room, in their order: where there are more, the ones with the most over all of the time. */
function largest(names: readonly string[], rows: readonly ReadonlyMap<string, number>[]): string[] {
  if (names.length <= MAX_COLUMNS) return [...names];
  const sizes = names.map((name) => rows.reduce((sum, row) => sum + Math.abs(row.get(name) ?? 0), 0));
  const ranked = names.map((_, index) => index).sort((a, b) => (sizes[b] as number) - (sizes[a] as number));
  const kept = new Set(ranked.slice(0, MAX_COLUMNS));
  return names.filter((_, index) => kept.has(index));
}

const entriesOf = (values: ShownMetric['series'][number]['values']) =>
  Object.entries(values).map(([key, value]) => ({ key, value }));

/** Texts, by name, or where there are windows by their start, the newest first. */
function textsOf(values: ShownMetric['values'], series: ShownMetric['series']): Listed {
  const cells = (entries: ShownMetric['values']) => new Map(entries.map(({ key, value }) => [key, textOf(value)]));
  if (series.length === 0) {
    const rows = [...cells(values)];
    const isNamed = rows.some(([key]) => key !== UNKEYED);
    return isNamed
      ? { kind: 'listed', columns: ['name', 'value'], rows }
      : { kind: 'listed', columns: ['value'], rows: rows.map(([, value]) => [value]) };
  }
  const windows = series.map(({ start, values: inWindow }) => ({ start, texts: cells(entriesOf(inWindow)) }));
  const keys = [...new Set(windows.flatMap(({ texts }) => [...texts.keys()]))].slice(0, MAX_COLUMNS - 1);
  return {
    kind: 'listed',
    columns: ['time', ...keys.map((key) => (key === UNKEYED ? 'value' : key))],
    rows: windows
      .filter(({ texts }) => texts.size > 0)
      .reverse()
      .map(({ start, texts }) => [start, ...keys.map((key) => texts.get(key) ?? '')]),
  };
}

/** One number, or those of the quantiles, or those of the names that a metric ranks itself. */
function partsOf(key: string, value: AggregateResult): Ranked['entries'] {
  if (typeof value === 'number') return [{ label: key, value }];
  if (value === null || typeof value === 'string') return [];
  if ('count' in value) {
    return Object.entries(value).flatMap(([name, each]) =>
      name === 'count' || each === null ? [] : [{ label: key === UNKEYED ? name : `${key} ${name}`, value: each }],
    );
  }
  return (value as readonly { readonly name: string; readonly count: number }[]).map(({ name, count }) => ({
    label: key === UNKEYED ? name : `${key} ${name}`,
    value: count,
  }));
}

function shapeOfItems(items: readonly Fields[]): Shape | undefined {
  const [first] = items;
  if (!first) return undefined;
  if (isTimeline(items)) return seriesOf(items, {});
  if (items.some((item) => isText(item['time']))) return listedOf(items);
  const label = Object.keys(first).find((key) => isText(first[key]));
  const number = Object.keys(first).find((key) => isNumber(first[key]));
  if (label === undefined || number === undefined) return undefined;
  return {
    kind: 'ranked',
    entries: items.flatMap((item) =>
      isText(item[label]) && isNumber(item[number]) ? [{ label: item[label], value: item[number] }] : [],
    ),
  };
}

function seriesOf(items: readonly Fields[], whole: Fields): Series {
  const flat = items.map(({ revision, ...item }) => ({
    startMs: timeOf(item['start']),
    revised: isNumber(revision) && revision > 0,
    numbers: new Map(numbersOf(item)),
  }));
  const columns = [...new Set(flat.flatMap(({ numbers }) => [...numbers.keys()]))].slice(0, MAX_COLUMNS);
  return {
    kind: 'series',
    totals: numbersIn(whole, 0),
    columns,
    rows: flat.map(({ startMs, revised, numbers }) => ({
      startMs,
      revised,
      values: columns.map((name) => numbers.get(name) ?? null),
    })),
  };
}

const numbersOf = (fields: Fields): [string, number][] =>
  numbersIn(fields, 0).map(({ label, value }): [string, number] => [label, value]);

/** `{ "open": 3, "byType": { "a": 1 } }` has `open` and `a`. */
function numbersIn(fields: Fields, depth: number): { label: string; value: number }[] {
  return Object.entries(fields).flatMap(([label, value]) => {
    if (isNumber(value)) return [{ label, value }];
    return isFields(value) && depth < MAX_DEPTH ? numbersIn(value, depth + 1) : [];
  });
}

function listedOf(items: readonly Fields[]): Listed {
  const seen = new Set(items.flatMap((item) => Object.keys(item).filter((key) => !isFields(item[key]))));
  seen.delete('id');
  const columns = ['time', ...[...seen].filter((key) => key !== 'time')].slice(0, MAX_COLUMNS);
  return {
    kind: 'listed',
    columns,
    rows: items.map((item) => columns.map((column) => textOf(item[column]))),
  };
}

const textOf = (value: unknown): string =>
  isText(value) ? value : isNumber(value) || typeof value === 'boolean' ? String(value) : '';

/** "visitorsLatest" is "Visitors latest". */
export function titleOf(name: string): string {
  const words = name.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  );
  return words.charAt(0).toUpperCase() + words.slice(1).replaceAll('_', ' ');
}
