import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import Long from 'long';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assetClassOf } from '../../src/import/classify.js';
import { inputFiles } from '../helpers/input-files.js';
import { waitFor } from '../helpers/wait.js';
import { byMinute, readLines, readPageViews, readShopRows } from './support/direct-counts.js';
import { penstock, type RunningInstance, startInstance } from './support/penstock.js';

interface ImportReport {
  readonly lines: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly unsent: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
  readonly shiftMs: number;
}

interface Pane {
  readonly start: string;
  readonly values: Readonly<Record<string, number>>;
}

const sum = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const { accessLog, shopCsv } = inputFiles();
let instance: RunningInstance;
beforeAll(async () => {
  instance = await startInstance();
});
afterAll(async () => {
  await instance.stop();
  instance.remove();
});

async function importFile(format: string, file: string): Promise<ImportReport> {
  const args = ['import', '--format', format, file, '--shift-to-now', '--json', '--data-dir', instance.dataDir];
  const result = await penstock(args);
  expect(result.code, result.stderr).toBe(0);
  const report = JSON.parse(result.stdout) as ImportReport;
  expect(report.accepted + report.duplicate + report.unsent + sum(report.dropped) + sum(report.rejected)).toBe(
    report.lines,
  );
  expect(report.unsent).toBe(0);
  return report;
}

async function api<T>(path: string): Promise<T> {
  return (await (await fetch(instance.endpoints.admin + path)).json()) as T;
}

/** Waits until the aggregators have counted this many events in all. */
const waitUntilCounted = (events: number) =>
  waitFor(`${events} events to be counted`, async () => {
    const totals = await api<Readonly<Record<string, number>>>('/api/late');
    // So that what is missing says where it went.
    if ((totals['counted'] ?? 0) < events) throw new Error(JSON.stringify(totals));
    return true;
  });

/** All panes of a metric by start time, shifted back to the times of the file. */
async function panesOf(metric: string, report: ImportReport): Promise<Map<number, Pane['values']>> {
  const to = new Date(Date.now() + 3_600_000).toISOString();
  const from = new Date(Date.now() - 7 * 86_400_000).toISOString();
  const { panes } = await api<{ panes: Pane[] }>(`/api/metrics/${metric}?from=${from}&to=${to}`);
  return new Map(panes.map((pane) => [Date.parse(pane.start) - report.shiftMs, pane.values]));
}

/** The shift is no whole number of minutes: the panes of the shifted times begin at other seconds of the file's. */
const onShiftedMinutes = (views: readonly { atMs: number; visitor: string }[], shiftMs: number) =>
  new Map(
    [...byMinute(views.map((view) => ({ ...view, atMs: view.atMs + shiftMs })))].map(([start, pane]) => [
      start - shiftMs,
      pane,
    ]),
  );

test('every line of a real access log is accounted for, and the figures equal counts made from the file', async () => {
  const views = readPageViews(accessLog, (target) => assetClassOf(target) === undefined);
  const report = await importFile('combined', accessLog);
  expect(report.lines).toBe(readLines(accessLog).length);
  expect(report.accepted).toBe(views.length);

  await waitUntilCounted(views.length);
  const expected = onShiftedMinutes(views, report.shiftMs);
  const panes = await panesOf('visitors', report);
  const shown = new Map(
    [...panes].map(([start, values]) => [
      start,
      { views: values['pageViews'] ?? 0, visitors: values['visitors'] ?? 0 },
    ]),
  );
  expect(shown).toEqual(expected);

  const pages = new Map<string, number>();
  for (const values of (await panesOf('pages', report)).values()) {
    for (const [path, count] of Object.entries(values)) pages.set(path, (pages.get(path) ?? 0) + count);
  }
  const expectedPages = new Map<string, number>();
  for (const { path } of views) expectedPages.set(path, (expectedPages.get(path) ?? 0) + 1);
  expect(pages).toEqual(expectedPages);
});

test('the purchases of a shop arrive once each on every subscription, although the import is run twice', async () => {
  const rows = readShopRows(shopCsv);
  const purchases = rows.filter((row) => row.type === 'purchase').length;
  expect(purchases).toBe(10);
  const first = await importFile('shop-csv', shopCsv);
  const second = await importFile('shop-csv', shopCsv);
  expect(first.accepted).toBe(rows.length);
  expect(second.accepted + second.duplicate).toBe(rows.length);

  const client = new ServiceBusClient(instance.endpoints.serviceBusConnectionString);
  const receiver = client.createReceiver('events', 'analytics-forwarder');
  const messages: ServiceBusReceivedMessage[] = [];
  while ((await receiver.peekMessages(1, { fromSequenceNumber: Long.ONE })).length > 0) {
    const batch = await receiver.receiveMessages(100, { maxWaitTimeInMs: 3_000 });
    for (const message of batch) await receiver.completeMessage(message);
    messages.push(...batch);
  }
  await client.close();
  expect(messages).toHaveLength(purchases);
  expect(new Set(messages.map((message) => message.messageId)).size).toBe(purchases);

  const folder = join(instance.dataDir, 'audit');
  const audited = await waitFor('the purchases in the audit', () => {
    const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').trimEnd().split('\n'));
    const bought = lines.map(
      (line) => JSON.parse(line) as { type: string; data: { properties: Record<string, string> } },
    );
    return bought.length >= purchases ? bought : undefined;
  });
  expect(audited.map((event) => event.type)).toEqual(Array(purchases).fill('purchase'));
  expect(new Set(audited.map((event) => event.data.properties['transaction_id'])).size).toBe(purchases);
});

test('views by category equal the file, although it was imported twice with other times', async () => {
  const rows = readShopRows(shopCsv).filter((row) => row.type === 'view');
  const expected: Record<string, number> = {};
  for (const { category } of rows) if (category !== '') expected[category] = (expected[category] ?? 0) + 1;
  const live = await waitFor('all categories', async () => {
    const { categories } = await api<{ categories: { category: string; views: number }[] }>('/api/live');
    return categories.length > 0 ? categories : undefined;
  });
  for (const { category, views } of live) expect(views).toBe(expected[category]);
});
