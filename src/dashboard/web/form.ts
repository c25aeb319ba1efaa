import { createBars } from './bars.js';
import { createRows, element, setText } from './dom.js';
import { type Judgement, judge } from './figures.js';
import { formatChange, formatLabel, formatNumber, formatWhen, formatWithin } from './format.js';
import { createNone, type PanelFrame } from './panel.js';
import type { PlotLine } from './plot.js';
import { createSeries } from './series.js';
import { type Listed, type Ranked, type Series, type Shape, titleOf } from './shape.js';
import { createTable } from './tables.js';

export interface FormOptions {
  /** Of a key of the figure. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly label?: (key: string) => string;
  readonly format?: (value: number) => string;
  /** What it is when a number rises; where nobody said, it is neither. */
  readonly rise?: Judgement;
  /** What is drawn of a series with one line. */
  readonly drawn?: 'line' | 'bars';
  /** Beside the number of a ranked entry. */
  readonly detail?: (value: number, entries: Ranked['entries']) => string;
  readonly limit?: number;
  /** Of ranked entries whose order is not that of their size, their names. */
  readonly order?: readonly string[];
  /** Of a metric its figure alone, and not its windows. */
  readonly whole?: boolean;
}

export interface FormText {
  readonly id: string;
  readonly title: string;
  readonly none: string;
}

type View = (shape: Shape, nowMs: number) => void;

const TONES = ['accent', 'tablet', 'other', 'good', 'bad'];

/** Shows a figure in the form that fits it. The form is made when the first figure with something in it comes. */
export function createForm(frame: PanelFrame, text: FormText, options: FormOptions = {}) {
  let kind: Shape['kind'] | undefined;
  let view: View | undefined;
  const waiting = element('div', 'waiting');
  frame.body.append(waiting);
  const none = createNone(waiting, `${text.id}-waiting`, text.none);
  none(true);
  return (shape: Shape | undefined, nowMs: number) => {
    if (shape && shape.kind !== kind) {
      frame.reset();
      view = views[shape.kind](frame, text, options);
      kind = shape.kind;
    }
    // What was there before may be empty now.
    const now = shape ?? (kind && EMPTY[kind]);
    if (now) view?.(now, nowMs);
  };
}

const EMPTY: Readonly<Record<Shape['kind'], Shape>> = {
  ranked: { kind: 'ranked', entries: [] },
  series: { kind: 'series', totals: [], columns: [], rows: [] },
  listed: { kind: 'listed', columns: [], rows: [] },
};

const views: Readonly<Record<Shape['kind'], (frame: PanelFrame, text: FormText, options: FormOptions) => View>> = {
  ranked: rankedView,
  series: seriesView,
  listed: listedView,
};

/** A key may be any text, `constructor` too. */
const labelIn = ({ labels }: FormOptions, key: string) =>
  labels && Object.hasOwn(labels, key) ? labels[key] : undefined;
const labelled = (options: FormOptions, key: string) =>
  labelIn(options, key) ?? options.label?.(key) ?? formatLabel(titleOf(key));

function rankedView(frame: PanelFrame, { id, none }: FormText, options: FormOptions): View {
  const show = createBars(frame.body, { id, none, ...(options.format ? { format: options.format } : {}) });
  // Names come from clients and stay as they are; keys are ours.
  const nameOf = (key: string) => labelIn(options, key) ?? options.label?.(key) ?? key;
  return (shape) => {
    const entries = inOrder((shape as Ranked).entries, options.order);
    show(
      entries.slice(0, options.limit ?? 10).map(({ label, value }) => ({
        label: nameOf(label),
        value,
        ...(options.detail ? { detail: options.detail(value, entries) } : {}),
      })),
    );
  };
}

function inOrder(entries: Ranked['entries'], order: readonly string[] | undefined): Ranked['entries'] {
  if (order === undefined) return entries;
  return [...entries].sort((a, b) => order.indexOf(a.label) - order.indexOf(b.label));
}

/** Characters of a number that stands beside one more at the most, and of one among several. */
const ROOM = 17;
const MANY_ROOM = 5;
/** Of more numbers than these the changes have no room. */
const WITH_CHANGE = 3;

function seriesView(frame: PanelFrame, { id, title, none }: FormText, options: FormOptions): View {
  const totals = element('div', 'totals');
  frame.body.append(totals);
  frame.body.classList.add('panel-body-totals');
  const format = options.format ?? formatNumber;
  let count = 0;
  const show = createSeries(frame, { id, caption: `${title} over time`, none, format });
  const rows = createRows<{ label: string; value: number; change: number | undefined }, HTMLParagraphElement>(totals, {
    keyOf: ({ label }) => label,
    make: () => element('p', 'total', element('span'), element('b'), element('span', 'delta')),
    update(row, { label, value, change }) {
      const [name, number, delta] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
      const text = formatWithin(count > 2 ? MANY_ROOM : ROOM, value, format);
      setText(number, text);
      number.style.setProperty('--digits', String(text.length));
      number.title = format(value);
      setText(name, label);
      setText(delta, change === undefined ? '' : formatChange(change, count > 2 ? MANY_ROOM - 1 : MANY_ROOM, format));
      delta.title = 'the last full step against the one before';
      delta.dataset['judgement'] = judge(change ?? 0, options.rise);
    },
  });
  let latest: { readonly lines: readonly PlotLine[]; readonly stepMs: number } = { lines: [], stepMs: 60_000 };
  return (shape) => {
    const { totals: sums, columns, rows: steps } = shape as Series;
    const lines = columns.map(
      (column, index): PlotLine => ({
        label: labelled(options, column),
        tone: TONES[index % TONES.length] as string,
        form: columns.length === 1 ? (options.drawn ?? 'line') : 'line',
      }),
    );
    count = sums.length;
    rows(
      sums.map(({ label, value }) => ({
        label: labelled(options, label),
        value,
        change: count > WITH_CHANGE ? undefined : changeIn(shape as Series, columns.indexOf(label)),
      })),
    );
    // Where there is nothing any more, the lines that there were have their place.
    if (lines.length > 0) latest = { lines, stepMs: (steps[1]?.startMs ?? 60_000) - (steps[0]?.startMs ?? 0) };
    show(latest.lines, steps, latest.stepMs);
  };
}

/** The newest step is still filling: the one before it is compared with its own before. Nothing of what has no line, or no number. */
function changeIn({ rows, columns }: Series, column: number): number | undefined {
  if (column < 0 || column >= columns.length) return undefined;
  const [before = null, last = null] = rows.slice(-3, -1).map(({ values }) => values[column] ?? null);
  return before === null || last === null ? undefined : last - before;
}

function listedView(frame: PanelFrame, { id, title, none }: FormText, options: FormOptions): View {
  let columns = '';
  let show: ((rows: Listed['rows'], nowMs: number) => void) | undefined;
  return (shape, nowMs) => {
    const listed = shape as Listed;
    if (listed.columns.length > 0 && listed.columns.join() !== columns) {
      columns = listed.columns.join();
      frame.body.replaceChildren();
      ({ show } = createTable<Listed['rows'][number]>(frame, {
        id,
        caption: title,
        none,
        timeOf: (cells) => cells[listed.columns.indexOf('time')] ?? '',
        columns: listed.columns.map((column, index) => ({
          title: labelled(options, column),
          className: column === 'time' ? 'col-time' : '',
          text: (cells, now) => (column === 'time' ? formatWhen(cells[index] ?? '', now) : (cells[index] ?? '')),
        })),
      }));
    }
    show?.(listed.rows, nowMs);
  };
}
