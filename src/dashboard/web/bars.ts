import { byId, createRows, element, setText } from './dom.js';
import { formatNumber } from './format.js';

export interface Bar {
  readonly label: string;
  readonly value: number;
}

/** A ranked list: each row a label, a number, and a bar as long as the number is against the largest. */
export function createBars(id: string, limit: number): (bars: readonly Bar[]) => void {
  let largest = 1;
  const rows = createRows<Bar, HTMLLIElement>(byId(id), {
    keyOf: ({ label }) => label,
    make: () =>
      element('li', 'bar', element('span', 'bar-fill'), element('span', 'bar-label'), element('span', 'bar-value')),
    update(row, { label, value }) {
      const [fill, name, number] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
      fill.style.transform = `scaleX(${value / largest})`;
      setText(name, label);
      name.title = label;
      setText(number, formatNumber(value));
    },
  });
  const none = byId(`${id}-none`);
  return (bars) => {
    const shown = bars.slice(0, limit);
    largest = Math.max(1, ...shown.map(({ value }) => value));
    rows(shown);
    none.hidden = shown.length > 0;
  };
}
