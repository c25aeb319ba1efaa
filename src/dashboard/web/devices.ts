import type { LiveFigures } from '../../shared/live.js';
import { byId, createRows, element, setText } from './dom.js';
import { type DeviceShare, deviceShares } from './figures.js';
import { formatNumber, formatPercent } from './format.js';

const SVG = 'http://www.w3.org/2000/svg';
const KNOWN = ['desktop', 'mobile', 'tablet'];
const GAP = 0.6;

const toneOf = (type: string) => (KNOWN.includes(type) ? type : 'other');

/** One bar, cut by share, and beneath it what each part is. */
export function createDevices(): (figures: LiveFigures) => void {
  const share = byId<SVGSVGElement>('devices-share');
  const none = byId('devices-none');
  const rows = createRows<DeviceShare, HTMLLIElement>(byId('devices'), {
    keyOf: ({ type }) => type,
    make: ({ type }) =>
      element(
        'li',
        `device tone-${toneOf(type)}`,
        element('span', 'device-name'),
        element('b'),
        element('span', 'device-share'),
      ),
    update(row, { type, count, share: part }) {
      const [name, number, percent] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
      setText(name, type);
      setText(number, formatNumber(count));
      setText(percent, formatPercent(part));
    },
  });
  return (figures) => {
    const shares = deviceShares(figures);
    rows(shares);
    none.hidden = shares.length > 0;
    let x = 0;
    share.replaceChildren(
      ...shares.map(({ type, share: part }) => {
        const rect = document.createElementNS(SVG, 'rect');
        const width = part * 100;
        rect.setAttribute('class', `tone-${toneOf(type)}`);
        rect.setAttribute('x', String(x));
        rect.setAttribute('width', String(Math.max(0.4, width - GAP)));
        rect.setAttribute('height', '4');
        x += width;
        return rect;
      }),
    );
  };
}
