import type { LatestEvent, LatestVisitor, LiveFigures } from '../../shared/live.js';
import { byId, createRows, element, setText } from './dom.js';
import { formatClock, formatCountry, formatId } from './format.js';

const EVENTS_SHOWN = 100;
const VISITORS_SHOWN = 10;
/** What is worth money one by one stands out. */
const VALUABLE = new Set(['purchase', 'refund', 'generate_lead', 'sign_up', 'churn_scored', 'offer_made']);

/** A table body whose rows are kept by key. `cells` gives the texts of a row, one for each class in `columns`. */
function createTable<T>(
  id: string,
  columns: readonly string[],
  keyOf: (item: T) => string,
  cells: (item: T) => string[],
) {
  const table = byId<HTMLTableElement>(id);
  const none = byId(`${id}-none`);
  const rows = createRows<T, HTMLTableRowElement>(table.tBodies[0] as HTMLTableSectionElement, {
    keyOf,
    make: () => element('tr', '', ...columns.map((column) => element('td', column))),
    update(row, item) {
      cells(item).forEach((text, index) => {
        const cell = row.cells[index] as HTMLTableCellElement;
        setText(cell, text);
        cell.title = text;
      });
    },
  });
  return (items: readonly T[]) => {
    rows(items);
    none.hidden = items.length > 0;
    return table;
  };
}

export function createEventsTable(): (figures: LiveFigures) => void {
  let newest = new Set<string>();
  const fill = createTable<LatestEvent>(
    'events',
    ['col-time', 'col-type', 'col-page', 'col-subject', 'col-source'],
    ({ id }) => id,
    ({ time, type, path, subject, source }) => [formatClock(time), type, path ?? '', formatId(subject ?? ''), source],
  );
  return ({ events }) => {
    const shown = events.slice(0, EVENTS_SHOWN);
    const table = fill(shown);
    const rows = table.tBodies[0]?.rows ?? [];
    shown.forEach(({ id, type }, index) => {
      const row = rows[index] as HTMLTableRowElement | undefined;
      row?.classList.toggle('valuable', VALUABLE.has(type));
      // What is there when the page opens is not news.
      row?.classList.toggle('new', newest.size > 0 && !newest.has(id));
    });
    newest = new Set(shown.map(({ id }) => id));
  };
}

export function createVisitorsTable(): (figures: LiveFigures) => void {
  const fill = createTable<LatestVisitor>(
    'latest',
    ['col-time', 'col-visitor', 'col-ip', 'col-country'],
    ({ anonymousId }) => anonymousId,
    ({ time, anonymousId, ip, country }) => [
      formatClock(time),
      formatId(anonymousId),
      ip ?? '–',
      country === undefined ? '–' : formatCountry(country),
    ],
  );
  return ({ visitorsLatest }) => {
    const shown = visitorsLatest.slice(0, VISITORS_SHOWN);
    const located = shown.length === 0 || shown.some(({ country }) => country !== undefined);
    fill(shown).classList.toggle('unlocated', !located);
  };
}
