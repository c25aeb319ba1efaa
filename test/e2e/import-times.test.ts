import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDeviceDetector } from '../../src/events/index.js';
import { assetClassOf } from '../../src/import/classify.js';
import { stableId } from '../../src/import/identity.js';
import type { LiveFigures } from '../../src/shared/live.js';
import { inputFiles } from '../helpers/input-files.js';
import { waitFor } from '../helpers/wait.js';
import { readPageViews, readShopRows } from './support/direct-counts.js';
import {
  countBy,
  type DirectEvent,
  distinctOfLast,
  durationsByHalfHour,
  firstOfLast,
  isoTimes,
  newestTimes,
  outfitSteps,
  perHalfHour,
  perMinute,
  sessionsOf,
  visitorsByMinute,
} from './support/direct-figures.js';
import { penstock, type RunningInstance, startInstance } from './support/penstock.js';

const { accessLog, shopCsv } = inputFiles();
const DAY_MS = 86_400_000;
const FUNNEL = ['view_item', 'add_to_cart', 'purchase'];
const STEPS = ['view', 'cart', 'purchase'];

let instance: RunningInstance;
beforeAll(async () => {
  instance = await startInstance();
});
afterAll(async () => {
  await instance.stop();
  instance.remove();
});

async function api<T>(path: string): Promise<T> {
  return (await (await fetch(instance.endpoints.admin + path)).json()) as T;
}

type Counts = Readonly<Record<string, number>>;
type Percentiles = Readonly<Record<'count' | 'p50' | 'p95' | 'p99', number>>;

/** All panes of a metric within the days of a file, by their start. */
async function panesOf<Values = Counts>(metric: string, events: readonly DirectEvent[]): Promise<Map<number, Values>> {
  const [firstMs, lastMs] = [Math.min(...events.map(({ atMs }) => atMs)), Math.max(...events.map(({ atMs }) => atMs))];
  const [from, to] = [firstMs - DAY_MS, lastMs + DAY_MS].map((ms) => new Date(ms).toISOString());
  const { panes } = await api<{ panes: { start: string; values: Values }[] }>(
    `/api/metrics/${metric}?from=${from}&to=${to}`,
  );
  return new Map(panes.map(({ start, values }) => [Date.parse(start), values]));
}

/** Of each pane what it has under some names, without panes that have none of them. */
function only(panes: ReadonlyMap<number, Counts>, ...names: string[]): Map<number, Counts> {
  const picked = [...panes].map(([start, values]): [number, Counts] => [
    start,
    Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name))),
  ]);
  return new Map(picked.filter(([, values]) => Object.keys(values).length > 0));
}

const sumFrom = (panes: ReadonlyMap<number, Counts>, fromMs: number, name: string) =>
  [...panes].reduce((sum, [start, values]) => sum + (start >= fromMs ? (values[name] ?? 0) : 0), 0);

/** Imports a file with the times that it has, and waits until all its events are counted, and none is late. */
async function importAsIs(format: string, file: string, countedInAll: number): Promise<void> {
  const args = ['import', '--format', format, file, '--json', '--data-dir', instance.dataDir];
  const { code, stderr } = await penstock(args);
  expect(code, stderr).toBe(0);
  const totals = await waitFor(`${countedInAll} events`, async () => {
    const read = await api<Counts>('/api/late');
    return (read['counted'] ?? 0) >= countedInAll ? read : undefined;
  });
  expect(totals).toMatchObject({ counted: countedInAll, newest: [] });
}

/** What every file has figures of, against what is worked out from its events. */
async function expectFigures(events: readonly DirectEvent[]): Promise<void> {
  const visitors = await panesOf('visitors', events);
  expect(only(visitors, 'visitors')).toEqual(
    new Map([...visitorsByMinute(events)].map(([start, count]) => [start, { visitors: count }])),
  );
  const isView = ({ type }: DirectEvent) => type === 'page_view';
  expect(only(visitors, 'pageViews')).toEqual(perMinute(events.filter(isView), () => 'pageViews'));
  expect(await panesOf('pages', events)).toEqual(perMinute(events.filter(isView), ({ path }) => path));
  expect(await panesOf('categories', events)).toEqual(
    perMinute(events, ({ type, category }) => (type === 'view_item' ? category : undefined)),
  );
  // The sums that the live page shows: of the last 15, 30 and 10 minutes of the file.
  for (const minutes of [15, 30]) {
    expect(sumFrom(visitors, firstOfLast(events, minutes), 'newest')).toBe(distinctOfLast(events, minutes));
  }
  const devices = await panesOf('devices', events);
  for (const device of ['desktop', 'mobile', 'tablet', 'other']) {
    expect(sumFrom(devices, firstOfLast(events, 10), device), device).toBe(distinctOfLast(events, 10, device));
  }
  const sessions = sessionsOf(events);
  expect(await panesOf('sessions', events)).toEqual(perHalfHour(sessions, () => ['sessions']));
  expect(await panesOf('funnel', events)).toEqual(
    perHalfHour(sessions, ({ types }) => {
      const missing = FUNNEL.findIndex((type) => !types.has(type));
      return STEPS.slice(0, missing < 0 ? STEPS.length : missing);
    }),
  );
  await expectDurations(events, durationsByHalfHour(sessions));
  const purchases = events.filter(({ type }) => type === 'purchase');
  expect(roundedCents(await panesOf('revenue', events))).toEqual(
    roundedCents(
      countBy(purchases, 60_000, { atMs: ({ atMs }) => atMs, names: () => ['USD'], by: ({ value }) => value }),
    ),
  );
  const live = await api<LiveFigures>('/api/live');
  expect(live.events.map(({ time }) => time)).toEqual(
    isoTimes(
      events.map(({ atMs }) => atMs),
      100,
    ),
  );
  expect(live.visitorsLatest.map(({ time }) => time)).toEqual(newestTimes(events, 10));
}

/** Percentiles are those of all durations sorted, to 1 %. */
async function expectDurations(events: readonly DirectEvent[], durations: ReadonlyMap<number, readonly number[]>) {
  const shown = await panesOf<{ all: Percentiles }>('sessionDuration', events);
  expect([...shown.keys()].sort()).toEqual([...durations.keys()].sort());
  for (const [start, { all }] of shown) {
    const sorted = durations.get(start) ?? [];
    expect(all.count).toBe(sorted.length);
    for (const [name, part] of [['p50', 0.5] as const, ['p95', 0.95] as const, ['p99', 0.99] as const]) {
      const exact = sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
      expect(Math.abs(all[name] - exact), `${name} of ${new Date(start).toISOString()}`).toBeLessThanOrEqual(
        0.010_001 * exact,
      );
    }
  }
}

const roundedCents = (panes: ReadonlyMap<number, Counts>) =>
  new Map(
    [...panes].map(([start, values]) => [
      start,
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Math.round(value * 100)])),
    ]),
  );

test('all figures of a real access log and of a real shop, with the times of the files, equal those worked out from the files', async () => {
  const deviceOf = createDeviceDetector(1_000);
  const views = readPageViews(accessLog, (target) => assetClassOf(target) === undefined).map(
    ({ atMs, visitor, path }): DirectEvent => {
      const [address, ...agent] = visitor.split(' ') as [string, ...string[]];
      const userAgent = agent.join(' ');
      const facts = { type: 'page_view', device: deviceOf(userAgent), item: '', category: '', value: 0 };
      return { atMs, path, visitor: stableId(address, userAgent), ...facts };
    },
  );
  await importAsIs('combined', accessLog, views.length);
  await expectFigures(views);

  // Four years later, so that nothing of it is late.
  const types: Readonly<Record<string, string>> = { view: 'view_item', cart: 'add_to_cart', purchase: 'purchase' };
  const shop = readShopRows(shopCsv).map(
    ({ atMs, type, category, userId, productId, price }): DirectEvent => ({
      atMs,
      visitor: userId,
      type: types[type] as string,
      path: `/product/${productId}`,
      device: 'other',
      item: productId,
      category,
      value: price,
    }),
  );
  await importAsIs('shop-csv', shopCsv, views.length + shop.length);
  await expectFigures(shop);
  const { offers } = await api<LiveFigures>('/api/live');
  const steps = offers.map(({ time, anonymousId, from, to }) => `${time} ${anonymousId} ${from} ${to}`);
  expect(steps.length).toBeGreaterThan(0);
  const expected = outfitSteps(shop).slice(0, 20);
  // Of the same second either may be the newer.
  expect(steps.map((step) => step.slice(0, 24))).toEqual(expected.map((step) => step.slice(0, 24)));
  const oldest = (expected.at(-1) as string).slice(0, 24);
  const decided = (list: readonly string[]) => list.filter((step) => !step.startsWith(oldest)).sort();
  expect(decided(steps)).toEqual(decided(expected));
});
