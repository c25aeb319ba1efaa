import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { LiveFigures } from '../../shared/live.js';
import { byId, createRows, element, setText } from './dom.js';
import { formatMinute, formatNumber, formatShort } from './format.js';

const MINUTE_MS = 60_000;
/** A scale that ends at 1 or 2 makes a single visitor look like a flood. */
const SMALLEST_SCALE = 5;

const X_STEPS_MS = [1, 2, 3, 5].map((minutes) => minutes * MINUTE_MS);

type Pane = LiveFigures['visitors']['series'][number];

/** Visitors as a line over page views as bars, one of each a minute. The running minute stands on a shaded ground. */
export function createTrafficChart(): (figures: LiveFigures) => void {
  const box = byId('traffic');
  let series: readonly Pane[] = [];
  const legend = (index: number) => {
    const pane = series[index];
    setText(byId('legend-visitors'), pane ? formatNumber(pane.visitors) : '–');
    setText(byId('legend-views'), pane ? formatNumber(pane.pageViews) : '–');
    const running = index === series.length - 1;
    setText(byId('legend-when'), pane ? `${formatMinute(Date.parse(pane.start))}${running ? ', so far' : ''}` : '–');
  };
  // Without a pointer on the chart the legend tells of the last minute that is over.
  const showLegend = (plot: uPlot) => legend(plot.cursor.idx ?? series.length - 2);
  const plot = new uPlot(plotOptions(box, showLegend), [[], [], [], []], box);
  const table = createRows<Pane, HTMLTableRowElement>(byId<HTMLTableElement>('traffic-table').tBodies[0] as Element, {
    keyOf: ({ start }) => start,
    make: () => element('tr', '', element('td'), element('td'), element('td')),
    update(row, { start, visitors, pageViews }) {
      [formatMinute(Date.parse(start)), formatNumber(visitors), formatNumber(pageViews)].forEach((text, index) => {
        setText(row.cells[index] as Element, text);
      });
    },
  });
  new ResizeObserver(() => plot.setSize(sizeOf(box))).observe(box);
  // Canvas does not follow the style sheet by itself.
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plot.redraw(false));

  return ({ visitors }) => {
    series = visitors.series;
    plot.setData([
      series.map(({ start }) => Date.parse(start)),
      series.map(({ pageViews }) => pageViews),
      series.map(({ visitors: count }, index) => (index < series.length - 1 ? count : null)),
      series.map(({ visitors: count }, index) => (index < series.length - 2 ? null : count)),
    ]);
    showLegend(plot);
    table(series);
  };
}

const sizeOf = (box: HTMLElement) => ({ width: box.clientWidth, height: box.clientHeight });

function colour(name: string): string {
  return getComputedStyle(document.body).getPropertyValue(`--${name}`).trim();
}

function plotOptions(box: HTMLElement, onCursor: (plot: uPlot) => void): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: () => colour('ink-soft'),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    ticks: { show: false },
    grid: { stroke: () => colour('line'), width: 1 },
  };
  return {
    ...sizeOf(box),
    ms: 1,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 9 } },
    scales: {
      x: { time: true, range: (_plot, min, max) => [min - MINUTE_MS / 2, max + MINUTE_MS / 2] },
      y: { range: (_plot, _min, max) => [0, Math.max(SMALLEST_SCALE, max * 1.08)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        space: 52,
        incrs: X_STEPS_MS,
        values: (_plot, times) => times.map(formatMinute),
      },
      { ...axis, size: 44, values: (_plot, values) => values.map((value) => (value % 1 ? '' : formatShort(value))) },
    ],
    series: [
      {},
      {
        label: 'Page views',
        fill: () => colour('views'),
        width: 0,
        points: { show: false },
        ...barPaths(),
      },
      {
        label: 'Visitors',
        stroke: () => colour('accent'),
        width: 2.5,
        points: { show: true, size: 7, width: 2, fill: () => colour('panel') },
      },
      {
        // A minute that is still filling must not look like a fall: it hangs on the line by a thread.
        label: 'Visitors so far',
        stroke: () => colour('accent'),
        width: 1.5,
        dash: [3, 4],
        points: {
          show: true,
          size: 7,
          width: 1.5,
          fill: () => colour('panel'),
          filter: (plot) => [plot.data[0].length - 1],
        },
      },
    ],
    hooks: { drawClear: [shadeRunningMinute], setCursor: [onCursor] },
  };
}

function barPaths(): Pick<uPlot.Series, 'paths'> {
  const paths = uPlot.paths.bars?.({ size: [0.62, 56], radius: 0.12 });
  return paths ? { paths } : {};
}

function shadeRunningMinute(plot: uPlot): void {
  const start = plot.data[0].at(-1);
  if (start === undefined) return;
  const left = plot.valToPos(start - MINUTE_MS / 2, 'x', true);
  const right = plot.valToPos(start + MINUTE_MS / 2, 'x', true);
  plot.ctx.fillStyle = colour('running');
  plot.ctx.fillRect(left, plot.bbox.top, right - left, plot.bbox.height);
}
