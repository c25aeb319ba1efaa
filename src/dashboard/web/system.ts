import { byId, createRows, element, setText } from './dom.js';
import { formatAge, formatMinute, formatNumber, formatWhen } from './format.js';
import { createPanel, type PanelFrame } from './panel.js';
import { createTable } from './tables.js';

interface PartitionHealth {
  readonly partition: string;
  readonly sequenceNumber: number;
  readonly lag: number | null;
  readonly watermark: string | null;
  readonly appliedAt: string;
  readonly savedAt: string | null;
  /** Another version of the server may not tell. */
  readonly offersWaiting?: number;
  readonly offersGivenUp?: number;
  readonly idsRememberedMs?: number | null;
}

interface Part {
  readonly name: string;
  readonly state: 'good' | 'warn' | 'bad';
  readonly text: string;
}

interface SystemHealth {
  readonly asOf: string;
  readonly parts: readonly Part[];
  /** Null while the figures cannot be read. */
  readonly partitions: readonly PartitionHealth[] | null;
  readonly totals: Readonly<Record<string, number>> | null;
}

const EVERY_MS = 5_000;
const TIMEOUT_MS = 20_000;
const NOTE = 'how it is itself';
const TOTALS = ['counted', 'duplicate', 'malformed', 'late'];

export interface System {
  /** Begins to read; the panel comes with the first answer. */
  open(): void;
  pause(paused: boolean): void;
}

/** The system's own health: how far the figures are behind, and how the parts are. */
export function createSystem(): System {
  let paused = false;
  let reading = false;
  let panel: SystemPanel | undefined;
  const read = async () => {
    if (paused || reading || document.hidden) return;
    reading = true;
    try {
      const response = await fetch('api/system', { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const health = (await response.json()) as SystemHealth;
      panel ??= createSystemPanel();
      panel.show(health);
    } catch {
      panel?.fail();
    }
    reading = false;
  };
  return {
    open() {
      void read();
      setInterval(() => void read(), EVERY_MS);
    },
    pause(next) {
      paused = next;
    },
  };
}

interface SystemPanel {
  show(health: SystemHealth): void;
  /** What stands there is as old as it is. */
  fail(): void;
}

function createSystemPanel(): SystemPanel {
  const frame = createPanel({ id: 'system', title: 'System', note: NOTE }, 'system');
  byId('system-place').append(frame.root);
  const parts = createParts(frame);
  const totals = createTotals(frame);
  /** When the figures were read last. */
  let readMs = 0;
  const asOf = () => (readMs === 0 ? '' : `; as of ${formatMinute(readMs)}`);
  const age = (time: string | null) => (time === null ? '–' : formatAge(readMs - Date.parse(time)));
  const { show } = createTable<PartitionHealth>(frame, {
    id: 'partitions',
    caption: 'Partitions of the event hub, and how far the aggregators are with each',
    none: 'No aggregator has written anything yet.',
    columns: [
      { title: 'Partition', className: 'col-partition', text: ({ partition }) => partition },
      { title: 'Lag', className: 'col-number', text: ({ lag }) => (lag === null ? '–' : formatNumber(lag)) },
      {
        title: 'Watermark',
        className: 'col-watermark',
        text: ({ watermark }) => (watermark === null ? '–' : formatWhen(watermark, readMs)),
      },
      { title: 'Read', className: 'col-number', text: ({ appliedAt }) => `${age(appliedAt)} ago` },
      { title: 'Saved', className: 'col-number', text: ({ savedAt }) => (savedAt ? `${age(savedAt)} ago` : '–') },
      {
        title: 'Position',
        className: 'col-number col-position',
        text: ({ sequenceNumber }) => formatNumber(sequenceNumber),
      },
    ],
  });
  const showHealth = (health: SystemHealth) => {
    parts(worstFirst(health.parts));
    const { partitions, totals: counted } = health;
    if (partitions === null || counted === null) return frame.note(`figures cannot be read${asOf()}`);
    readMs = Date.parse(health.asOf);
    frame.note(NOTE);
    const counts = [...TOTALS.map((name) => ({ name, value: counted[name] ?? 0 })), ...offersOf(partitions)];
    totals([...counts.map(({ name, value }) => ({ name, text: formatNumber(value) })), ...idsKnownOf(partitions)]);
    show(partitions, readMs);
  };
  return { show: showHealth, fail: () => frame.note(`cannot be read${asOf()}`) };
}

/** Offers on their way to the topic, and those that never came there. */
function offersOf(partitions: readonly PartitionHealth[]): { readonly name: string; readonly value: number }[] {
  const sum = (count: (partition: PartitionHealth) => number | undefined) =>
    partitions.reduce((total, partition) => total + (count(partition) ?? 0), 0);
  return [
    { name: 'offers waiting', value: sum(({ offersWaiting }) => offersWaiting) },
    { name: 'offers given up', value: sum(({ offersGivenUp }) => offersGivenUp) },
  ];
}

/** How far back a repeated event is known as one, in the partition that knows the least, once ids were forgotten. */
function idsKnownOf(partitions: readonly PartitionHealth[]): Sum[] {
  const knownMs = partitions.flatMap(({ idsRememberedMs }) => idsRememberedMs ?? []);
  return knownMs.length === 0 ? [] : [{ name: 'ids known for', text: formatAge(Math.min(...knownMs)) }];
}

interface Sum {
  readonly name: string;
  readonly text: string;
}

const RANKS = { bad: 0, warn: 1, good: 2 } as const;

/** There may be more parts than are seen at once. */
const worstFirst = (parts: readonly Part[]): Part[] => [...parts].sort((a, b) => RANKS[a.state] - RANKS[b.state]);

const STATE_NAMES = { good: 'in order', warn: 'worth a look', bad: 'in trouble' } as const;

function createParts({ body }: PanelFrame): (parts: readonly Part[]) => void {
  const list = element('ul', 'parts');
  body.append(list);
  return createRows<Part, HTMLLIElement>(list, {
    keyOf: ({ name }) => name,
    make: () => element('li', 'part', element('span', 'part-sign'), element('b'), element('span', 'part-text')),
    update(row, { name, state, text }) {
      const [sign, title, said] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
      row.dataset['state'] = state;
      // The colour alone tells nothing to who cannot see it.
      sign.setAttribute('role', 'img');
      sign.setAttribute('aria-label', STATE_NAMES[state]);
      setText(title, name);
      setText(said, text);
      said.title = text;
    },
  });
}

function createTotals({ body }: PanelFrame): (sums: readonly Sum[]) => void {
  const list = element('dl', 'sums');
  body.append(list);
  return createRows<Sum, HTMLDivElement>(list, {
    keyOf: ({ name }) => name,
    make: () => element('div', 'sum', element('dt'), element('dd')),
    update(row, { name, text }) {
      const [term, number] = row.children as unknown as [HTMLElement, HTMLElement];
      setText(term, name);
      setText(number, text);
      number.dataset['total'] = name;
    },
  });
}
