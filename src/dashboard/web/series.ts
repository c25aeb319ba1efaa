import { createRows, element, setText } from './dom.js';
import { formatDayMinute, formatMinute, formatNumber, formatWithin } from './format.js';
import { createNone, type PanelFrame } from './panel.js';
import { createPlot, createPlotBox, type Plot, type PlotLine } from './plot.js';

const HOUR_MS = 3_600_000;

export interface SeriesRow {
  readonly startMs: number;
  readonly values: readonly (number | null)[];
  /** Something that was shown of it was taken back. */
  readonly revised?: boolean;
}

export interface SeriesText {
  readonly id: string;
  readonly caption: string;
  readonly none: string;
  /** Of a number in the legend and the table. */
  readonly format?: (value: number) => string;
  /** Characters of a number in the legend. */
  readonly legendRoom?: number;
}

/** A drawing with its legend, and the same as a table for who cannot see the drawing, or would rather read. */
export function createSeries(frame: PanelFrame, text: SeriesText) {
  const { id, format = formatNumber, legendRoom = 5 } = text;
  const legend = element('dl', 'legend');
  const box = createPlotBox(id);
  const table = element('table', 'table');
  table.id = `${id}-table`;
  const caption = element('caption', 'visually-hidden', document.createTextNode(text.caption));
  const headRow = element('tr');
  const body = element('tbody');
  table.append(caption, element('thead', '', headRow), body);
  const aside = element('div', 'visually-hidden', table);
  frame.head.append(legend, createSwitch(box, aside));
  frame.body.append(box, aside);
  const none = createNone(frame.body, id, text.none);

  let lines: readonly PlotLine[] = [];
  let plot: Plot | undefined;
  frame.onReset(() => plot?.remove());
  let rows: readonly SeriesRow[] = [];
  const shown: Element[] = [];

  const formatStart = (startMs: number) => {
    const days = (rows.at(-1)?.startMs ?? 0) - (rows[0]?.startMs ?? 0) > 20 * HOUR_MS;
    return days ? formatDayMinute(startMs) : formatMinute(startMs);
  };
  const textOf = (value: number | null | undefined) => (value === null || value === undefined ? '–' : format(value));
  // Without a pointer on the drawing the legend tells of the last step that is over.
  const tell = (index = rows.length - 2) => {
    const row = rows[index];
    const running = index === rows.length - 1;
    lines.forEach((_, line) => {
      const value = row?.values[line];
      const place = shown[line] as HTMLElement;
      setText(place, value === null || value === undefined ? '–' : formatWithin(legendRoom, value, format));
      place.title = textOf(value);
    });
    const when = row && `${formatStart(row.startMs)}${running ? ', so far' : ''}${row.revised ? ', revised' : ''}`;
    setText(shown.at(-1) as Element, when ?? '–');
  };
  const fill = createRows<SeriesRow, HTMLTableRowElement>(body, {
    keyOf: ({ startMs }) => `${startMs} ${lines.length}`,
    make: () => element('tr', '', ...[0, ...lines].map(() => element('td'))),
    update(row, { startMs, values, revised }) {
      const texts = [
        `${formatStart(startMs)}${revised ? ', revised' : ''}`,
        ...lines.map((_, line) => textOf(values[line])),
      ];
      texts.forEach((each, index) => {
        setText(row.cells[index] as Element, each);
      });
    },
  });
  const use = (next: readonly PlotLine[]) => {
    if (JSON.stringify(next) === JSON.stringify(lines)) return;
    lines = next;
    plot?.remove();
    plot = createPlot(box, drawOrder(lines), tell);
    shown.length = 0;
    const entries = [...lines.map(({ label, tone, form }) => ({ label, key: `key key-${form} tone-${tone}` })), WHEN];
    legend.replaceChildren(
      ...entries.map(({ label, key }) => {
        const value = element('dd', '', document.createTextNode('–'));
        shown.push(value);
        return element('div', key, element('dt', '', document.createTextNode(label)), value);
      }),
    );
    headRow.replaceChildren(...['Time', ...lines.map(({ label }) => label)].map(headCell));
  };
  return (nextLines: readonly PlotLine[], nextRows: readonly SeriesRow[], stepMs: number) => {
    use(nextLines);
    rows = nextRows;
    const values = drawOrder(lines).map((line) => rows.map((row) => row.values[lines.indexOf(line)] ?? null));
    plot?.show({ stepMs, startsMs: rows.map(({ startMs }) => startMs), values });
    fill(rows);
    none(rows.length === 0);
  };
}

const WHEN = { label: 'Time', key: 'legend-when' };

/** Bars stand behind lines. */
const drawOrder = (lines: readonly PlotLine[]): PlotLine[] =>
  [...lines].sort((a, b) => Number(a.form === 'line') - Number(b.form === 'line'));

function headCell(text: string): HTMLElement {
  const cell = element('th', '', document.createTextNode(text));
  cell.scope = 'col';
  return cell;
}

/** Puts the table in the drawing's place, and back. */
function createSwitch(box: HTMLElement, aside: HTMLElement): HTMLElement {
  const button = element('button', 'button button-small', document.createTextNode('Table'));
  button.type = 'button';
  button.setAttribute('aria-pressed', 'false');
  button.addEventListener('click', () => {
    const asTable = aside.className === 'visually-hidden';
    aside.className = asTable ? 'scroll' : 'visually-hidden';
    aside.tabIndex = asTable ? 0 : -1;
    box.classList.toggle('away', asTable);
    button.setAttribute('aria-pressed', String(asTable));
  });
  return button;
}
