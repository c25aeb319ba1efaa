import { createRows, element, setText } from './dom.js';
import { formatLabel, formatNumber, formatWithin } from './format.js';
import { createNone } from './panel.js';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Stands behind the number, such as a share. */
  readonly detail?: string;
}

/** Characters of a number and what is behind it. */
const ROOM = 12;

export interface BarsText {
  readonly id: string;
  readonly none: string;
  readonly format?: (value: number) => string;
}

/** A ranked list: each row a label, a number, and a bar as long as the number is against the largest. */
export function createBars(body: HTMLElement, text: BarsText): (bars: readonly Bar[]) => void {
  const { id, none, format = formatNumber } = text;
  const list = element('ol', 'bars');
  list.id = id;
  list.dataset['testid'] = id;
  body.append(list);
  const showNone = createNone(body, id, none);
  let largest = 1;
  const rows = createRows<Bar, HTMLLIElement>(list, {
    // By rank: a row has its place, and what stands in it changes.
    keyOf: (_, rank) => String(rank),
    make: () =>
      element('li', 'bar', element('span', 'bar-fill'), element('span', 'bar-label'), element('span', 'bar-value')),
    update(row, { label, value, detail }) {
      const [fill, name, number] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
      // In hundredths: a change that nobody sees would set all bars in motion, several times a second.
      fill.style.transform = `scaleX(${(Math.max(0, value) / largest).toFixed(2)})`;
      const shown = formatLabel(label);
      setText(name, shown);
      name.title = shown;
      const behind = detail === undefined ? '' : ` · ${detail}`;
      setText(number, formatWithin(ROOM - behind.length, value, format) + behind);
      number.title = format(value);
    },
  });
  return (bars) => {
    largest = Math.max(1e-9, ...bars.map(({ value }) => value));
    rows(bars);
    showNone(bars.length === 0);
  };
}
