import type { LiveFigures } from '../../shared/live.js';
import { createRows, element, setText } from './dom.js';
import { type DeviceShare, deviceShares } from './figures.js';
import { formatPercent, formatWithin } from './format.js';
import { createNone } from './panel.js';

const SVG = 'http://www.w3.org/2000/svg';
const KNOWN = ['desktop', 'mobile', 'tablet'];
const GAP = 0.6;
/** Characters of a number. */
const ROOM = 10;

const toneOf = (type: string) => (KNOWN.includes(type) ? type : 'other');

function svg(name: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const made = document.createElementNS(SVG, name) as SVGElement;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** One bar, cut by share, and beneath it what each part is. */
export function createDevices(body: HTMLElement): (figures: Pick<LiveFigures, 'devices'>) => void {
  const share = svg('svg', {
    class: 'share',
    viewBox: '0 0 100 4',
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  });
  const list = element('ul', 'devices');
  list.id = 'devices';
  body.append(share, list);
  const none = createNone(body, 'devices', 'Nobody in the last 10 minutes.');
  const rows = createRows<DeviceShare, HTMLLIElement>(list, {
    keyOf: (_, rank) => String(rank),
    make: () => element('li', 'device', element('span', 'device-name'), element('b'), element('span', 'device-share')),
    update(row, { type, count, share: part }) {
      const [name, number, percent] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
      row.className = `device tone-${toneOf(type)}`;
      setText(name, type);
      setText(number, formatWithin(ROOM, count));
      setText(percent, formatPercent(part));
    },
  });
  return (figures) => {
    const shares = deviceShares(figures);
    rows(shares);
    none(shares.length === 0);
    let x = 0;
    share.replaceChildren(
      ...shares.map(({ type, share: part }) => {
        const width = part * 100;
        const rect = svg('rect', {
          class: `tone-${toneOf(type)}`,
          x: String(x),
          width: String(Math.max(0.4, width - GAP)),
          height: '4',
        });
        x += width;
        return rect;
      }),
    );
  };
}
