import type { LatestEvent, LatestOffer, LatestVisitor } from '../../shared/live.js';
import { createRows, element, setText } from './dom.js';
import { formatCountry, formatId, formatName, formatWhen, isDated } from './format.js';
import { createNone, type PanelFrame } from './panel.js';

const FILL_EVERY_MS = 1_000;

/** What is worth money one by one stands out. */
const VALUABLE = new Set(['purchase', 'refund', 'generate_lead', 'sign_up', 'churn_scored', 'offer_made']);

interface Column<T> {
  readonly title: string;
  readonly className: string;
  text(item: T, nowMs: number): string;
  /** Makes the cell a button. */
  press?(item: T): void;
}

export interface TablePlan<T> {
  readonly id: string;
  readonly caption: string;
  readonly none: string;
  readonly columns: readonly Column<T>[];
  /** What the column of times is about: it is wider while there are days in it. */
  readonly timeOf?: (item: T) => string;
  /** Marks the rows, once they show these items. */
  mark?(rows: Iterable<HTMLTableRowElement>, shown: readonly T[]): void;
}

/** A table whose rows are kept by key. */
export function createTable<T>(frame: Pick<PanelFrame, 'root' | 'body'>, plan: TablePlan<T>) {
  const { id, columns } = plan;
  const headRow = element('tr');
  for (const { title, className } of columns) {
    const cell = element('th', className, document.createTextNode(title));
    cell.scope = 'col';
    headRow.append(cell);
  }
  const tbody = element('tbody');
  const caption = element('caption', 'visually-hidden', document.createTextNode(plan.caption));
  const table = element('table', 'table', caption, element('thead', '', headRow), tbody);
  table.id = id;
  table.dataset['testid'] = id;
  // What scrolls must be within reach of the keyboard.
  const scroll = element('section', 'scroll', table);
  scroll.tabIndex = 0;
  scroll.setAttribute('aria-label', plan.caption);
  frame.body.append(scroll);
  const none = createNone(scroll, id, plan.none);
  const items = new WeakMap<HTMLTableRowElement, T>();
  const rows = createRows<T, HTMLTableRowElement>(tbody, {
    // By place: a row stays where it is, and what stands in it changes.
    keyOf: (_, index) => String(index),
    make() {
      const row = element('tr');
      for (const { className, press } of columns) row.append(element('td', className, ...(press ? [button()] : [])));
      return row;
    },
    update(row, item) {
      items.set(row, item);
      columns.forEach(({ text, press }, index) => {
        const cell = row.cells[index] as HTMLTableCellElement;
        const value = formatName(text(item, nowMs));
        setText(press ? (cell.firstElementChild as Element) : cell, value);
        cell.title = value;
      });
    },
  });
  let nowMs = Number.NaN;
  let waiting: readonly T[] | undefined;
  let filledMs = Number.NEGATIVE_INFINITY;
  let pause = 0;
  let pressed: { readonly cell: Element; readonly item: T } | undefined;
  const itemAt = (target: EventTarget | null) => {
    const cell = (target as Element).closest('button')?.closest('td');
    const row = cell?.parentElement as HTMLTableRowElement | undefined;
    return cell && row && items.has(row) ? { cell, item: items.get(row) as T } : undefined;
  };
  // What is meant is what was under the pointer when it went down, even if another stands there when it comes up.
  tbody.addEventListener('pointerdown', ({ target }) => {
    pressed = itemAt(target);
  });
  tbody.addEventListener('click', ({ target, detail }) => {
    const meant = detail > 0 ? pressed : itemAt(target);
    pressed = undefined;
    if (meant) columns[(meant.cell as HTMLTableCellElement).cellIndex]?.press?.(meant.item);
  });
  const fill = (shown: readonly T[]) => {
    waiting = undefined;
    filledMs = performance.now();
    rows(shown);
    plan.mark?.(tbody.rows, shown);
    table.classList.toggle(
      'dated',
      shown.some((item) => plan.timeOf && isDated(plan.timeOf(item), nowMs)),
    );
    none(shown.length === 0);
  };
  const fillUnlessFocused = () => {
    if (waiting && !tbody.querySelector(':focus-visible')) fill(waiting);
  };
  tbody.addEventListener('focusout', ({ relatedTarget }) => {
    if (waiting && !tbody.contains(relatedTarget as Node | null)) fill(waiting);
  });
  return {
    table,
    /**
     * While the keyboard is on a row, the rows stand still: Enter must open what has the focus. Nor do they change faster than
     * can be read, which with a hundred rows was most of the browser's work.
     */
    show(shown: readonly T[], asOfMs: number) {
      nowMs = asOfMs;
      waiting = shown;
      clearTimeout(pause);
      const restMs = filledMs + FILL_EVERY_MS - performance.now();
      if (restMs > 0) pause = setTimeout(fillUnlessFocused, restMs);
      else fillUnlessFocused();
    },
  };
}

const button = () => {
  const made = element('button', 'link');
  made.type = 'button';
  return made;
};

export const timeOf = ({ time }: { readonly time: string }) => time;
const timeColumn = {
  title: 'Time',
  className: 'col-time',
  text: ({ time }: { readonly time: string }, nowMs: number) => formatWhen(time, nowMs),
};

type ShownEvent = Pick<LatestEvent, 'time' | 'type' | 'path' | 'source'>;

export const eventColumns: readonly Column<ShownEvent>[] = [
  timeColumn,
  { title: 'Type', className: 'col-type', text: ({ type }) => type },
  { title: 'Page', className: 'col-page', text: ({ path }) => path ?? '' },
];
export const siteColumn: Column<ShownEvent> = {
  title: 'Site',
  className: 'col-source',
  text: ({ source }) => source,
};

/** Where more than these come at once, nothing would stand out: each row would be new, again and again. */
const MOST_NEWS = 5;

/** Marks what is worth money, and what was not there before. */
function createMarks() {
  let before = new Set<string>();
  return (rows: Iterable<HTMLTableRowElement>, shown: readonly LatestEvent[]) => {
    const isNew = ({ id }: LatestEvent) => !before.has(id);
    // What is there when the page opens is not news.
    const marksNews = before.size > 0 && shown.filter(isNew).length <= MOST_NEWS;
    for (const [index, row] of [...rows].entries()) {
      const event = shown[index] as LatestEvent;
      row.classList.toggle('valuable', VALUABLE.has(event.type));
      row.classList.toggle('new', marksNews && isNew(event));
    }
    before = new Set(shown.map(({ id }) => id));
  };
}

export function createEventsTable(frame: PanelFrame, openVisitor: (id: string) => void) {
  const { show } = createTable<LatestEvent>(frame, {
    id: 'events',
    caption: 'The newest 100 events, newest first',
    none: 'No events yet.',
    timeOf,
    mark: createMarks(),
    columns: [
      ...eventColumns,
      {
        title: 'Who',
        className: 'col-subject',
        text: ({ subject }) => formatId(subject ?? ''),
        press: ({ subject }) => void (subject !== undefined && openVisitor(subject)),
      },
      siteColumn,
    ],
  });
  return (events: readonly LatestEvent[], nowMs: number) => show(events.slice(0, 100), nowMs);
}

export function createOffersTable(frame: PanelFrame, openVisitor: (id: string) => void) {
  const { show } = createTable<LatestOffer>(frame, {
    id: 'offers',
    caption: 'The newest 20 steps of visitors towards an offer, newest first',
    none: 'No steps yet.',
    timeOf,
    mark(rows, shown) {
      for (const [index, row] of [...rows].entries())
        row.classList.toggle('valuable', shown[index]?.offer !== undefined);
    },
    columns: [
      timeColumn,
      {
        title: 'Visitor',
        className: 'col-visitor',
        text: ({ anonymousId }) => formatId(anonymousId),
        press: ({ anonymousId }) => openVisitor(anonymousId),
      },
      {
        title: 'Step',
        className: 'col-step',
        text: ({ from, to, offer }) => (offer === undefined ? `${from} → ${to}` : `offer: ${offer}`),
      },
    ],
  });
  return (offers: readonly LatestOffer[], nowMs: number) => show(offers.slice(0, 20), nowMs);
}

export function createVisitorsTable(frame: PanelFrame, openVisitor: (id: string) => void) {
  const { table, show } = createTable<LatestVisitor>(frame, {
    id: 'latest',
    caption: 'The 10 most recent visitors',
    none: 'Nobody yet.',
    timeOf,
    columns: [
      { ...timeColumn, title: 'Seen' },
      {
        title: 'Visitor',
        className: 'col-visitor',
        text: ({ anonymousId }) => formatId(anonymousId),
        press: ({ anonymousId }) => openVisitor(anonymousId),
      },
      { title: 'Address', className: 'col-ip', text: ({ ip }) => ip ?? '–' },
      {
        title: 'Country',
        className: 'col-country',
        text: ({ country }) => (country === undefined ? '–' : formatCountry(country)),
      },
    ],
  });
  return (visitors: readonly LatestVisitor[], nowMs: number) => {
    const shown = visitors.slice(0, 10);
    show(shown, nowMs);
    const located = shown.length === 0 || shown.some(({ country }) => country !== undefined);
    table.classList.toggle('unlocated', !located);
  };
}
