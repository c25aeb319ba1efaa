import type { BrokerStatus } from '../../broker/index.js';
import { printText } from '../print-text.js';
import { fetchStatus } from './fetch-status.js';
import { type FindFlags, findBroker } from './find.js';

export interface StatusFlags extends FindFlags {
  readonly json?: true;
}

export async function runStatus(flags: StatusFlags): Promise<void> {
  const status = await fetchStatus(findBroker(flags));
  printText(flags.json ? `${JSON.stringify(status, null, 2)}\n` : describe(status));
}

type Row = readonly string[];

const isNumeric = (rows: readonly Row[], column: number) =>
  rows.every((row) => /^(?:-|\d+)$/.test(row[column] as string));

/** Columns as wide as their longest cell; numbers to the right, words to the left. */
function table(heads: Row, rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => (row[column] as string).length)),
  );
  const line = (row: Row) =>
    row
      .map((text, column) => {
        const width = widths[column] as number;
        return isNumeric(rows, column) ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return `${[heads, ...rows].map(line).join('\n')}\n\n`;
}

const MIB = 1024 * 1024;

/** For eyes; programs read the JSON. */
function describe(status: BrokerStatus): string {
  const { queues, topics, hubs } = status;
  const held = [
    ...queues.map((queue) => [queue.name, queue] as const),
    ...topics.flatMap(({ name, subscriptions }) => subscriptions.map((one) => [`${name}/${one.name}`, one] as const)),
  ];
  const messages = held.map(([path, { status: state, counts, sizeBytes }]) => [
    state === 'Active' ? path : `${path} (${state})`,
    ...[counts.active, counts.deferred, counts.scheduled, counts.deadLetter].map(String),
    ...[counts.transfer, counts.transferDeadLetter, sizeBytes].map(String),
  ]);
  const scheduled = topics.filter((topic) => topic.scheduled > 0).map(({ name, scheduled: n }) => [name, String(n)]);
  const partitions = hubs.flatMap((hub) =>
    hub.partitions.map((one) => [
      `${hub.name}/${one.id}`,
      String(one.events),
      one.lastSequence < 0 ? '-' : String(one.lastSequence),
      one.lastEnqueuedAt ?? 'never',
      one.readers.map(({ consumerGroup, lag }) => `${consumerGroup} (${lag ?? '?'} behind)`).join(', ') || '-',
    ]),
  );
  const groups = hubs.map(({ name, consumerGroups }) => [name, consumerGroups.join(', ')]);
  return (
    `as of ${status.asOf}, running since ${status.startedAt}\n` +
    `${status.connections} connections, ${status.links} links, ${Math.round(status.memoryBytes / MIB)} MiB of memory, ` +
    `${status.pendingBytes} bytes waiting for the disk\n` +
    `${status.isDiskLow ? 'the disk is nearly full: what is sent is refused\n' : ''}\n` +
    table(
      ['QUEUE OR SUBSCRIPTION', 'ACTIVE', 'DEFERRED', 'SCHEDULED', 'DEAD', 'TRANSFER', 'TRANSFER DEAD', 'BYTES'],
      messages,
    ) +
    table(['TOPIC', 'SCHEDULED'], scheduled) +
    table(['PARTITION', 'EVENTS', 'LAST', 'LAST EVENT AT', 'READERS'], partitions) +
    table(['HUB', 'CONSUMER GROUPS'], groups)
  ).replace(/\n+$/, '\n');
}
