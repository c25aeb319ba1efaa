import { createHash } from 'node:crypto';
import { field, tag, type Xml } from '../admin/index.js';
import type { BrokerStatus, HubStatus, QueueStatus } from './snapshot.js';

/** The page is written here whole; this takes its new contents every other second, while somebody looks. */
const SCRIPT = `
const main = document.querySelector('main'), state = document.querySelector('#state');
async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { cache: 'no-store' });
    if (!answer.ok) throw new Error(answer.status);
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main').innerHTML;
    if (next !== main.innerHTML && getSelection().isCollapsed) main.innerHTML = next;
    state.textContent = '';
  } catch { state.textContent = 'The broker does not answer.'; }
}
setInterval(refresh, 2000);
addEventListener('visibilitychange', refresh);
`;

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8dee4, #3a424b); --soft: light-dark(#59636e, #9aa4af);
  --bad: light-dark(#b42318, #ff9b8f); }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.25rem; margin: 0; } h2 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
#state { color: var(--bad); min-height: 1.4em; margin: 0; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .5rem; margin: 0; }
dt { color: var(--soft); font-size: .8rem; } dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 500; font-size: .8rem; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 8rem; }
.bad { color: var(--bad); font-weight: 600; } .none { color: var(--soft); }
`;

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;

export const CONTENT_SECURITY_POLICY =
  `default-src 'none'; script-src ${hashOf(SCRIPT)}; style-src ${hashOf(STYLE)}; connect-src 'self'; img-src data:; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const number = new Intl.NumberFormat('en');
const count = (value: number) => number.format(value);

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

function bytes(value: number): string {
  let [shown, unit] = [value, 0];
  while (shown >= 1024 && unit < UNITS.length - 1) {
    shown /= 1024;
    unit++;
  }
  return `${shown >= 100 || unit === 0 ? Math.round(shown) : shown.toFixed(1)} ${UNITS[unit]}`;
}

/** Seconds are enough to read. */
const time = (iso: string | null) => (iso === null ? 'never' : `${iso.slice(0, 19).replace('T', ' ')} UTC`);

const cell = (text: string, alarming = false): Xml => tag('td', alarming ? { class: 'bad' } : {}, text);

function table(heads: readonly string[], rows: readonly (readonly Xml[])[]): Xml {
  if (rows.length === 0) return tag('p', { class: 'none' }, 'None.');
  const head = tag('tr', {}, ...heads.map((text) => tag('th', { scope: 'col' }, text)));
  const body = rows.map((cells) => tag('tr', {}, ...cells));
  return tag('div', { class: 'scroll' }, tag('table', {}, tag('thead', {}, head), tag('tbody', {}, ...body)));
}

const QUEUE_HEADS = ['', 'Active', 'Dead letters', 'Deferred', 'Scheduled', 'Transfer', 'Size', 'In', 'Out'];

function queueRow(path: string, { status, counts, sizeBytes, messagesIn, messagesOut }: QueueStatus): Xml[] {
  const transfer = counts.transfer + counts.transferDeadLetter;
  return [
    cell(status === 'Active' ? path : `${path} (${status})`),
    cell(count(counts.active)),
    cell(count(counts.deadLetter), counts.deadLetter > 0),
    cell(count(counts.deferred)),
    cell(count(counts.scheduled)),
    cell(count(transfer), counts.transferDeadLetter > 0),
    cell(bytes(sizeBytes)),
    cell(count(messagesIn)),
    cell(count(messagesOut)),
  ];
}

const HUB_HEADS = ['Partition', 'Last sequence', 'Events kept', 'Last event', 'Readers (events behind)'];

const hubTable = ({ name, partitions, consumerGroups }: HubStatus): Xml[] => [
  tag('h2', {}, `Hub ${name}`),
  tag('p', { class: 'none' }, `Consumer groups: ${consumerGroups.join(', ')}`),
  table(
    HUB_HEADS,
    partitions.map((one) => [
      cell(one.id),
      cell(one.lastSequence < 0 ? '–' : count(one.lastSequence)),
      cell(count(one.events)),
      cell(time(one.lastEnqueuedAt)),
      cell(
        one.readers
          .map(({ consumerGroup, lag }) => `${consumerGroup} (${lag === undefined ? '?' : count(lag)})`)
          .join(', ') || '–',
      ),
    ]),
  ),
];

function facts(status: BrokerStatus): Xml {
  const pairs: readonly (readonly [string, string])[] = [
    ['As of', time(status.asOf)],
    ['Running since', time(status.startedAt)],
    ['Connections', count(status.connections)],
    ['Links', count(status.links)],
    ['Waiting for the disk', bytes(status.pendingBytes)],
    ['Memory', bytes(status.memoryBytes)],
    ['Disk', status.isDiskLow ? 'nearly full: what is sent is refused' : 'has room'],
  ];
  return tag('dl', {}, ...pairs.map(([name, value]) => tag('div', {}, field('dt', name), field('dd', value))));
}

/** Everything is in the page: no picture, font, style or script of it comes from elsewhere. */
export function renderPage(status: BrokerStatus): string {
  const main = tag(
    'main',
    {},
    facts(status),
    tag('h2', {}, 'Queues'),
    table(
      QUEUE_HEADS,
      status.queues.map((queue) => queueRow(queue.name, queue)),
    ),
    tag('h2', {}, 'Topics'),
    table(
      ['', 'Subscriptions', 'Scheduled'],
      status.topics.map(({ name, subscriptions, scheduled }) => [
        cell(name),
        cell(count(subscriptions.length)),
        cell(count(scheduled)),
      ]),
    ),
    tag('h2', {}, 'Subscriptions'),
    table(
      QUEUE_HEADS,
      status.topics.flatMap(({ name, subscriptions }) =>
        subscriptions.map((subscription) => queueRow(`${name}/${subscription.name}`, subscription)),
      ),
    ),
    ...status.hubs.flatMap(hubTable),
  );
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Penstock broker</title>' +
    '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">' +
    `<style>${STYLE}</style></head><body><h1>Penstock broker</h1><p id="state" role="status"></p>${main.xml}` +
    `<script>${SCRIPT}</script></body></html>`
  );
}
