import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { element } from './dom.js';
import { formatOnScale, formatTick } from './format.js';
import { type Scale, scaleOf } from './scale.js';
import { colour, onThemeChange } from './theme.js';

const MINUTE_MS = 60_000;
/** Between the labels of the time axis, up to 8 days: where the largest has no room there would be none at all. */
const STEPS_MS = [1, 2, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 5_760, 11_520].map(
  (minutes) => minutes * MINUTE_MS,
);

export interface PlotLine {
  readonly label: string;
  /** Name of the colour in the theme. */
  readonly tone: string;
  readonly form: 'line' | 'bars';
}

interface PlotData {
  readonly stepMs: number;
  readonly startsMs: readonly number[];
  /** For each line its values. */
  readonly values: readonly (readonly (number | null)[])[];
}

export interface Plot {
  show(data: PlotData): void;
  remove(): void;
}

/**
 * Lines and bars over time. The newest step is still filling: it stands on a shaded ground, and a line hangs on it by a
 * thread, since it must not look like a fall.
 */
export function createPlot(box: HTMLElement, lines: readonly PlotLine[], onCursor: (index?: number) => void): Plot {
  let stepMs = MINUTE_MS;
  let scale = scaleOf([]);
  const tell = (plot: uPlot) => onCursor(plot.cursor.idx ?? undefined);
  const plot = new uPlot(
    plotOptions(box, lines, { stepMs: () => stepMs, scale: () => scale, tell }),
    emptyData(lines),
    box,
  );
  const observer = new ResizeObserver(() => plot.setSize(sizeOf(box)));
  observer.observe(box);
  const forget = onThemeChange(() => plot.redraw(false));
  return {
    show(data) {
      stepMs = data.stepMs;
      scale = scaleOf(data.values.flat());
      const last = data.startsMs.length - 1;
      const columns = lines.flatMap(({ form }, line) => {
        const values = data.values[line] ?? [];
        if (form === 'bars') return [values];
        return [
          values.map((value, index) => (index < last ? value : null)),
          values.map((value, index) => (index < last - 1 ? null : value)),
        ];
      });
      plot.setData([data.startsMs, ...columns] as uPlot.AlignedData);
      tell(plot);
    },
    remove() {
      observer.disconnect();
      forget();
      plot.destroy();
    },
  };
}

const emptyData = (lines: readonly PlotLine[]) =>
  [[], ...lines.flatMap(({ form }) => (form === 'bars' ? [[]] : [[], []]))] as uPlot.AlignedData;

const sizeOf = (box: HTMLElement) => ({ width: box.clientWidth, height: box.clientHeight });

interface Surroundings {
  stepMs(): number;
  scale(): Scale;
  tell(plot: uPlot): void;
}

function plotOptions(
  box: HTMLElement,
  lines: readonly PlotLine[],
  { stepMs, scale, tell }: Surroundings,
): uPlot.Options {
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
      x: { time: true, range: (_plot, min, max) => [min - stepMs() / 2, max + stepMs() / 2] },
      y: { range: () => [scale().from, scale().to] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        space: 58,
        incrs: STEPS_MS,
        values: (plot, times) => {
          const starts = plot.data[0];
          const spanMs = (starts.at(-1) ?? 0) - (starts[0] ?? 0);
          return times.map((time) => formatTick(time, spanMs));
        },
      },
      {
        ...axis,
        size: 44,
        values: (_plot, values) =>
          values.map((value) => (scale().isOfCounts && value % 1 !== 0 ? '' : formatOnScale(value))),
      },
    ],
    series: [{}, ...lines.flatMap((line) => (line.form === 'bars' ? [barsOf(line)] : linesOf(line)))],
    hooks: { drawClear: [(plot) => shadeRunning(plot, stepMs())], setCursor: [tell] },
  };
}

function barsOf({ label, tone }: PlotLine): uPlot.Series {
  const paths = uPlot.paths.bars?.({ size: [0.62, 56], radius: 0.12 });
  // A pale ground needs an edge to be seen.
  const stroke = () => colour(tone === 'views' ? 'views-edge' : tone);
  return { label, fill: () => colour(tone), stroke, width: 1, points: { show: false }, ...(paths ? { paths } : {}) };
}

function linesOf({ label, tone }: PlotLine): uPlot.Series[] {
  const stroke = () => colour(tone);
  const fill = () => colour('panel');
  const few = (plot: uPlot) => plot.data[0].length <= 20;
  return [
    { label, stroke, width: 2.5, points: { show: few, size: 7, width: 2, fill } },
    {
      label: `${label} so far`,
      stroke,
      width: 1.5,
      dash: [3, 4],
      points: { show: true, size: 7, width: 1.5, fill, filter: (plot) => [plot.data[0].length - 1] },
    },
  ];
}

function shadeRunning(plot: uPlot, stepMs: number): void {
  const start = plot.data[0].at(-1);
  if (start === undefined) return;
  const left = plot.valToPos(start - stepMs / 2, 'x', true);
  const right = plot.valToPos(start + stepMs / 2, 'x', true);
  plot.ctx.fillStyle = colour('running');
  plot.ctx.fillRect(left, plot.bbox.top, right - left, plot.bbox.height);
}

/** The drawing's place. It is nothing to who cannot see it: a table stands beside it. */
export function createPlotBox(id: string): HTMLElement {
  const box = element('div', 'chart');
  box.id = id;
  box.setAttribute('aria-hidden', 'true');
  return box;
}
