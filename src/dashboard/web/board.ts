import type { LiveFigures } from '../../shared/live.js';
import { createBars } from './bars.js';
import { createDevices } from './devices.js';
import { byId } from './dom.js';
import { createForm, type FormOptions } from './form.js';
import { formatCountry, formatMinutes, formatMoney, formatNumber, formatPercent } from './format.js';
import { createPanel, type PanelFrame } from './panel.js';
import type { PlotLine } from './plot.js';
import { fetchPanes, LIVE, type Look, type Range, rankedOf, rowsOf, spanOf } from './range.js';
import { fetchCatalogue, fetchMetric, type RangeMetric } from './range-metric.js';
import { createSeries } from './series.js';
import { shapeOf, shapeOfMetric, titleOf } from './shape.js';
import { createEventsTable, createOffersTable, createVisitorsTable } from './tables.js';

/** Another version of the server may have figures that are not known here, or lack some. */
export type Figures = LiveFigures & Readonly<Record<string, unknown>>;

interface View {
  show(figures: Figures): void;
  /** The server has the figure no more: what was shown of it is old. */
  clear?(): void;
  /** Shows another range than the live one, of the metric behind it. */
  load?(look: Look, metric: RangeMetric): Promise<void>;
}

interface PanelPlan {
  /** The figure that it shows: without it there is no panel. */
  readonly name: string;
  readonly id?: string;
  readonly title: string;
  readonly note: string;
  readonly none?: string;
  readonly className?: string;
  readonly create?: (frame: PanelFrame, plan: PanelPlan, openVisitor: (id: string) => void) => View;
  /** How a figure without a view of its own is shown; `form.ts` knows the rest. */
  readonly form?: FormOptions;
}

/**
 * The panels in their order. A figure that is not named here comes after them, in a form that fits it: a line here is
 * for its words and its place.
 */
const plans: readonly PanelPlan[] = [
  { name: 'visitors', id: 'traffic', title: 'Traffic', note: 'each minute', className: 'traffic', create: trafficView },
  {
    name: 'devices',
    title: 'Devices',
    note: 'visitors of the last 10 minutes',
    create: ({ body }) => ({ show: createDevices(body) }),
  },
  {
    name: 'pages',
    title: 'Pages',
    note: 'views in the last hour',
    none: 'No page was viewed.',
    create: rankedView(({ pages }) => pages.map(({ path, views }) => ({ label: path, value: views }))),
  },
  {
    name: 'categories',
    title: 'Categories',
    note: 'views in the last hour',
    none: 'No product was viewed.',
    create: rankedView(({ categories }) =>
      categories.map(({ category, views }) => ({ label: category, value: views })),
    ),
  },
  { name: 'countries', title: 'Countries', note: 'events of the last hour', form: { label: formatCountry } },
  {
    name: 'sessions',
    title: 'Sessions',
    note: 'started each half hour',
    form: { drawn: 'bars', rise: 'good', labels: { open: 'open now', sessions: 'Started' } },
  },
  {
    name: 'funnel',
    title: 'Funnel',
    note: 'sessions of the last 8 hours',
    form: {
      whole: true,
      order: ['view', 'cart', 'purchase'],
      detail: (value, [first]) => (first && first.value > 0 ? formatPercent(value / first.value) : '–'),
    },
  },
  {
    name: 'sessionDuration',
    title: 'Session time',
    note: 'in seconds',
    form: { label: (name) => name },
  },
  { name: 'revenue', title: 'Revenue', note: 'each minute', form: { label: (currency) => currency, rise: 'good' } },
  {
    name: 'ingestionDelay',
    title: 'Delay',
    note: 'ms from gateway to hub',
    form: { label: (name) => name, rise: 'bad' },
  },
  {
    name: 'views',
    title: 'Views',
    note: 'in 5 minutes, each minute',
    form: { labels: { all: 'Page views' }, rise: 'good' },
  },
  {
    name: 'visitorsLatest',
    id: 'latest',
    title: 'Visitors',
    note: 'the 10 most recent',
    create: (frame, _plan, openVisitor) => viewOf(createVisitorsTable(frame, openVisitor), 'visitorsLatest'),
  },
  {
    name: 'offers',
    title: 'Offers',
    note: 'the newest steps towards one',
    create: (frame, _plan, openVisitor) => viewOf(createOffersTable(frame, openVisitor), 'offers'),
  },
  {
    name: 'events',
    title: 'Events',
    note: 'the newest 100',
    className: 'newest',
    create: (frame, _plan, openVisitor) => viewOf(createEventsTable(frame, openVisitor), 'events'),
  },
];

const viewOf = <N extends keyof LiveFigures>(show: (value: LiveFigures[N], nowMs: number) => void, name: N): View => ({
  show: (figures) => show(figures[name], Date.parse(figures.asOf)),
});

const TRAFFIC: readonly PlotLine[] = [
  { label: 'Visitors', tone: 'accent', form: 'line' },
  { label: 'Page views', tone: 'views', form: 'bars' },
];
const MINUTE_MS = 60_000;

function trafficView(frame: PanelFrame): View {
  const show = createSeries(frame, {
    id: 'traffic',
    caption: 'Visitors and page views by time',
    none: 'Nothing yet.',
    format: formatNumber,
    legendRoom: 6,
  });
  return {
    show({ visitors: { series } }) {
      frame.note('each minute');
      const rows = series.map(({ start, visitors, pageViews }) => ({
        startMs: Date.parse(start),
        values: [visitors, pageViews],
      }));
      show(TRAFFIC, rows, MINUTE_MS);
    },
    async load({ range, nowMs, signal }) {
      const span = spanOf(range, nowMs);
      const panes = await fetchPanes('visitors', span, { stepMinutes: range.stepMinutes, signal });
      frame.note(range.stepMinutes === 1 ? 'each minute' : `a minute, mean of ${formatMinutes(range.stepMinutes)}`);
      show(TRAFFIC, rowsOf(panes, span, ['visitors', 'pageViews'], nowMs), span.stepMs);
    },
  };
}

type Bars = (figures: Figures) => readonly { readonly label: string; readonly value: number }[];

function rankedView(barsOf: Bars): (frame: PanelFrame, plan: PanelPlan) => View {
  return (frame, { name, note, none = '' }) => {
    const show = createBars(frame.body, { id: name, none });
    return {
      show(figures) {
        frame.note(note);
        show(barsOf(figures).slice(0, 10));
      },
      async load({ range, nowMs, signal }) {
        const span = spanOf({ ...range, stepMinutes: 1 }, nowMs);
        const panes = await fetchPanes(name, span, { stepMinutes: range.minutes, top: 10, signal });
        frame.note(`views in the ${range.note}`);
        show(rankedOf(panes, 10));
      },
    };
  };
}

function generalView(frame: PanelFrame, plan: PanelPlan): View {
  const { name, title, none = 'Nothing yet.', form } = plan;
  const show = createForm(frame, { id: plan.id ?? name, title, none }, form);
  return {
    show(figures) {
      frame.note(plan.note);
      const metric = figures.metrics?.[name];
      const shape = metric ? shapeOfMetric(form?.whole ? { ...metric, series: [] } : metric) : shapeOf(figures[name]);
      show(shape, Date.parse(figures.asOf));
    },
    clear: () => show(undefined, Number.NaN),
    async load(look, metric) {
      const { range } = look;
      const { shown, stepMinutes } = await fetchMetric(form?.whole ? { ...metric, seriesWindows: 1 } : metric, look);
      const steps = stepMinutes === 1 ? 'each minute' : `in steps of ${formatMinutes(stepMinutes)}`;
      frame.note(shown.series.length === 0 ? range.note : `${range.note}, ${steps}`);
      show(shapeOfMetric(shown), look.nowMs);
    },
  };
}

/** A connection that was lost in the middle of an answer may never say so. */
const LOOK_TIMEOUT_MS = 60_000;
const TOO_SLOW = 'too slow';

const NO_PANEL: ReadonlySet<string> = new Set(['asOf', 'metrics']);

const isThere = (figures: Figures, name: string) => (figures.metrics?.[name] ?? figures[name] ?? null) !== null;

export interface Board {
  show(figures: Figures): void;
  /**
   * From now on panels that can look further back show this range. Rejects when its figures cannot be had; false when
   * another look followed before they came, of which nothing is shown then.
   */
  look(range: Range, nowMs: number): Promise<boolean>;
}

/** The panels, made when the first figures come: what is there then has its place, and what comes later goes below. */
export function createBoard(openVisitor: (id: string) => void): Board {
  const parent = byId('panels');
  const views = new Map<string, View>();
  let range = LIVE;
  /** Panels that show that range; the others are live. */
  let ranged: ReadonlySet<string> = new Set();
  let latest: Figures | undefined;
  let looking = new AbortController();

  const add = (planned: PanelPlan, unit: string | undefined) => {
    const plan = unit === 'money' ? { ...planned, form: { format: formatMoney, ...planned.form } } : planned;
    const frame = createPanel({ id: plan.id ?? plan.name, title: plan.title, note: plan.note }, plan.className);
    parent.append(frame.root);
    views.set(plan.name, (plan.create ?? generalView)(frame, plan, openVisitor));
  };
  const addMissing = (figures: Figures) => {
    const wanted = (name: string) => isThere(figures, name) && !views.has(name);
    const unitOf = (name: string) => figures.metrics?.[name]?.unit;
    for (const plan of plans) if (wanted(plan.name)) add(plan, unitOf(plan.name));
    for (const name of Object.keys({ ...figures, ...figures.metrics })) {
      if (NO_PANEL.has(name) || !wanted(name)) continue;
      add({ name, title: titleOf(name), note: figures.metrics?.[name]?.help ?? '' }, unitOf(name));
    }
  };
  const showOne = (name: string, view: View, figures: Figures) => {
    if (range !== LIVE && ranged.has(name)) return;
    if (isThere(figures, name)) view.show(figures);
    else view.clear?.();
  };
  const load = async (look: Look) => {
    const catalogue = await fetchCatalogue(look.signal);
    const loads = [...views].flatMap(([name, view]) => {
      const metric = catalogue.get(name);
      return metric === undefined || view.load === undefined ? [] : [{ name, load: view.load(look, metric) }];
    });
    ranged = new Set(loads.map(({ name }) => name));
    await Promise.all(loads.map((each) => each.load));
  };
  return {
    show(figures) {
      latest = figures;
      addMissing(figures);
      for (const [name, view] of views) showOne(name, view, figures);
    },
    async look(next, nowMs) {
      looking.abort();
      looking = new AbortController();
      const controller = looking;
      const { signal } = controller;
      const inTime = setTimeout(() => controller.abort(TOO_SLOW), LOOK_TIMEOUT_MS);
      range = next;
      try {
        if (range === LIVE) {
          if (latest) this.show(latest);
        } else await load({ range, nowMs, signal });
        return true;
      } catch (error) {
        if (signal.aborted && signal.reason !== TOO_SLOW) return false;
        throw error;
      } finally {
        clearTimeout(inTime);
      }
    },
  };
}
