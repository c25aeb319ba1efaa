import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultAggregatorOptions } from '../../../src/aggregators/options.js';
import { aggregateOf } from '../../../src/shared/aggregates/index.js';
import { batchBehaviours } from '../batch.js';
import { createPartitionDriver, descriptionOf, pageView, START_MS } from '../driver.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test('page views and distinct visitors are counted by the minute in which they happened', () => {
  const driver = createPartitionDriver();
  driver.count(pageView(0, { visitor: 'a' }), pageView(1_000, { visitor: 'a' }), pageView(2_000, { visitor: 'b' }));
  driver.count(pageView(MINUTE, { visitor: 'a' }), pageView(30_000, { visitor: 'c' }));
  expect(driver.pane('visitors', 0, 'pageViews')).toBe(4);
  expect(driver.pane('visitors', 0, 'visitors')).toBe(3);
  expect(driver.pane('visitors', MINUTE, 'pageViews')).toBe(1);
  expect(driver.pane('visitors', MINUTE, 'visitors')).toBe(1);
});

test('each visitor is newest in one pane only, so distinct visitors of several minutes are the sum of panes', () => {
  const driver = createPartitionDriver();
  driver.count(pageView(0, { visitor: 'a' }), pageView(0, { visitor: 'b' }));
  driver.count(pageView(3 * MINUTE, { visitor: 'a' }));
  driver.count(pageView(MINUTE, { visitor: 'a' }));
  expect(driver.pane('visitors', 0, 'newest')).toBe(1);
  expect(driver.pane('visitors', MINUTE, 'newest')).toBe(0);
  expect(driver.pane('visitors', 3 * MINUTE, 'newest')).toBe(1);
  expect(driver.pane('visitors', MINUTE, 'visitors')).toBe(1);
});

test('a visitor with two devices counts once for each type', () => {
  const driver = createPartitionDriver();
  driver.count(pageView(0, { device: 'mobile' }), pageView(MINUTE, { device: 'desktop' }));
  driver.count(pageView(2 * MINUTE, { device: 'mobile' }));
  expect(driver.pane('devices', 0, 'mobile')).toBe(0);
  expect(driver.pane('devices', MINUTE, 'desktop')).toBe(1);
  expect(driver.pane('devices', 2 * MINUTE, 'mobile')).toBe(1);
});

test('item views are counted by category, from an array of items or a flat property', () => {
  const driver = createPartitionDriver();
  const view = (properties: object) => ({ ...pageView(0), type: 'view_item', data: { properties, context: {} } });
  driver.count(
    view({ item_category: 'shoes' }),
    view({ items: [{ item_category: 'shoes' }, { item_category: 'bags' }, null, { item_category: 7 }] }),
    view({ items: 'none', item_category: 'hats' }),
    view({}),
  );
  expect(driver.pane('categories', 0, 'shoes')).toBe(2);
  expect(driver.pane('categories', 0, 'bags')).toBe(1);
  expect(driver.pane('categories', 0, 'hats')).toBe(1);
});

test('a name is kept to a length, however long a client makes it', () => {
  const driver = createPartitionDriver();
  const path = `/${'x'.repeat(8_000)}`;
  driver.count(pageView(0, { path }), pageView(0, { path: `${path}y` }), pageView(0, { path: '/short' }));
  expect(driver.pane('pages', 0, `${path.slice(0, 1024)}…`)).toBe(2);
  expect(driver.pane('pages', 0, '/short')).toBe(1);
});

test('names that are one in Redis are one from the start: halves of surrogate pairs', () => {
  const driver = createPartitionDriver();
  driver.count(pageView(0, { path: '/\ud800' }), pageView(0, { path: '/\udfff' }), pageView(0, { path: '/👟' }));
  expect(driver.pane('pages', 0, '/\ufffd')).toBe(2);
  expect(driver.pane('pages', 0, '/👟')).toBe(1);
});

test('an amount that no sum can hold leaves the revenue as it is, and the partition goes on through a crash', async () => {
  const driver = createPartitionDriver();
  const purchase = (value: number) => ({
    ...pageView(0),
    type: 'purchase',
    data: { anonymousId: 'v1', properties: { value, currency: 'EUR' }, context: {} },
  });
  driver.count(...[1e308, 20, 1e308, -1e308].map(purchase));
  await driver.save();
  await driver.crash();
  driver.count(purchase(22));
  expect(driver.total('counted')).toBe(5);
  const revenue = descriptionOf('revenue');
  expect(driver.shown.values.get(`revenue/${START_MS}/0/EUR`)).toBe(aggregateOf(revenue.aggregate).encode(420_000));
});

test('a time with a comment of any length in it is none', () => {
  const driver = createPartitionDriver();
  const long = `Thu Jan 01 2026 00:00:00 GMT (${'x'.repeat(100_000)})`;
  expect(Date.parse(long)).toBe(START_MS);
  driver.count({ ...pageView(0), time: long });
  expect(driver.total('malformed')).toBe(1);
});

test('an event that comes again within the horizon is counted once, and the repetition is counted as such', () => {
  const driver = createPartitionDriver();
  driver.count(pageView(0, { id: 'same' }));
  driver.count(pageView(0, { id: 'same' }), pageView(5_000, { id: 'same' }));
  expect(driver.pane('visitors', 0, 'pageViews')).toBe(1);
  expect(driver.total('duplicate')).toBe(2);
  expect(driver.total('counted')).toBe(1);
});

test('an event that comes again counts once for as long as its time still counts, and for 65 minutes at the least', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 12 }),
      fc.integer({ min: -60, max: 5 }),
      (before, after, aheadMinutes) => {
        const driver = createPartitionDriver();
        let atMs = HOUR;
        const others = (gaps: readonly number[]) => {
          for (const gap of gaps) {
            atMs += gap * MINUTE;
            driver.send([pageView(atMs)], atMs);
          }
        };
        others(before);
        const again = pageView(atMs + aheadMinutes * MINUTE, { id: 'again' });
        driver.send([again], atMs);
        driver.read();
        driver.show();
        const firstMs = atMs;
        others(after);
        driver.send([again], atMs);
        driver.read();
        driver.show();
        const isLate = driver.state.watermarkMs - Date.parse(again.time) > HOUR;
        if (!isLate || atMs - firstMs <= 65 * MINUTE) expect(driver.total('duplicate')).toBe(1);
      },
    ),
    { numRuns: 500 },
  );
});

test('events of two sites that have the same id are two', () => {
  const driver = createPartitionDriver();
  driver.count(pageView(0, { id: '1' }), { ...pageView(0, { id: '1' }), source: 'other-shop' });
  expect(driver.pane('visitors', 0, 'pageViews')).toBe(2);
  expect(driver.total('duplicate')).toBe(0);
});

test('a message that is copied to the hub again is known by its id for hours, however many events came between', () => {
  const driver = createPartitionDriver('0', {
    ...defaultAggregatorOptions,
    dedup: { rotateAfterMs: MINUTE, maxIdsPerGeneration: 2 },
  });
  const order = { ...pageView(0, { id: 'e1' }), type: 'purchase', messageid: 'purchase:T1' };
  driver.count(order, ...Array.from({ length: 10 }, () => pageView(0)), order);
  driver.count(pageView(50 * MINUTE), { ...order, id: 'e2' });
  expect(driver.total('duplicate')).toBe(2);
});

test('an event as late as allowed is counted; a later one goes to the late counter of each metric it concerns', () => {
  const driver = createPartitionDriver();
  driver.count(pageView(2 * HOUR));
  driver.count(pageView(HOUR), pageView(HOUR - 1), { ...pageView(0), type: 'scroll' });
  expect(driver.pane('visitors', HOUR, 'pageViews')).toBe(1);
  expect(driver.pane('visitors', HOUR - MINUTE, 'pageViews')).toBe(0);
  expect(driver.total('late')).toBe(2);
  expect(driver.total('late:visitors')).toBe(2);
  expect(driver.total('late:pages')).toBe(1);
  expect(driver.total('late:categories')).toBe(0);
});

test('late events are counted by how late they were', () => {
  const driver = createPartitionDriver();
  driver.count(pageView(1_000 * HOUR));
  driver.count(...[998, 997, 994, 976, 832, 831].map((hour) => pageView(hour * HOUR)));
  expect(['2h', '6h', '24h', '7d', 'more'].map((step) => driver.total(`late_by:${step}`))).toEqual([1, 2, 1, 1, 1]);
});

test('one event from the future does not make the others late', () => {
  const driver = createPartitionDriver();
  driver.send([pageView(48 * HOUR)], 0);
  driver.read();
  driver.count(pageView(1_000));
  expect(driver.state.watermarkMs).toBe(START_MS + 1_000);
  expect(driver.pane('visitors', 0, 'pageViews')).toBe(2);
});

test('elements that are no events, and bodies that cannot be read, are counted and cost nothing else', () => {
  const driver = createPartitionDriver();
  const good = pageView(0);
  driver.send(undefined);
  driver.count(null, 7, 'text', {}, { ...good, time: 'yesterday' }, { ...good, id: 7 }, { ...good, data: null }, good);
  expect(driver.total('malformed')).toBe(8);
  expect(driver.total('counted')).toBe(1);
});

test('a pane keeps no more names than the limit; the rest is added up under one', () => {
  const driver = createPartitionDriver('0', {
    ...defaultAggregatorOptions,
    names: { maxNamesPerPane: 2, maxNames: 100, maxCharacters: 10_000 },
  });
  driver.count(...['/a', '/b', '/c', '/d', '/a'].map((path) => pageView(0, { path })));
  expect(driver.pane('pages', 0, '/a')).toBe(2);
  expect(driver.pane('pages', 0, '/c')).toBe(0);
  expect(driver.pane('pages', 0, '(other)')).toBe(2);
});

test('a hub event at or before the position is not counted again', () => {
  const driver = createPartitionDriver();
  driver.count(pageView(0));
  const applied = driver.state.apply([pageView(0)], { sequenceNumber: 0, offset: '0', enqueuedAtMs: START_MS });
  expect(applied).toBe(false);
});

test('what could not be shown is shown with the next success, even after its panes left the state', () => {
  const driver = createPartitionDriver();
  driver.send([pageView(0)]);
  driver.read();
  driver.failToShow();
  driver.send([pageView(5 * HOUR)]);
  driver.read();
  driver.failToShow();
  driver.show();
  expect(driver.pane('visitors', 0, 'pageViews')).toBe(1);
  driver.count(pageView(9 * HOUR));
  expect(driver.state.save().panes[`visitors@${descriptionOf('visitors').generation}`]?.length).toBe(1);
});

test('a save is of its moment, however the state goes on', () => {
  const driver = createPartitionDriver();
  driver.count(pageView(0, { visitor: 'a' }), pageView(MINUTE, { visitor: 'b' }));
  const [first, second] = [driver.state.save(), driver.state.save()];
  driver.count(pageView(2 * MINUTE, { visitor: 'a' }), pageView(2 * MINUTE, { visitor: 'c' }));
  driver.count(pageView(3 * HOUR, { visitor: 'd' }));
  expect(first).toEqual(second);
  expect(driver.state.save()).not.toEqual(first);
});

test('a visitor name, a path or an id like __proto__ is a name like any other', async () => {
  const driver = createPartitionDriver();
  const odd = { visitor: '__proto__', path: '__proto__', id: '__proto__', device: 'constructor' };
  driver.count(pageView(0, odd));
  await driver.save();
  await driver.crash();
  driver.count(pageView(1_000, { ...odd, id: 'other' }));
  expect(driver.pane('pages', 0, '__proto__')).toBe(2);
  expect(driver.pane('visitors', 0, 'visitors')).toBe(1);
});

test('visitors beyond the bound are estimated apart, and are kept apart again when others have left', async () => {
  const driver = createPartitionDriver('0', { ...defaultAggregatorOptions, maxVisitors: 2 });
  driver.count(...['a', 'b', 'c', 'd', 'c', 'a'].map((visitor) => pageView(0, { visitor })));
  const beyond = () => driver.shown.values.get(`visitorsBeyond/${START_MS}/0/all`) as string;
  const { decode, result } = aggregateOf('distinct');
  expect(driver.pane('visitors', 0, 'visitors')).toBe(2);
  expect(result(decode(beyond()))).toBe(2);
  await driver.save();
  await driver.crash();
  driver.count(pageView(1_000, { visitor: 'd' }), pageView(1_000, { visitor: 'e' }));
  expect(driver.pane('visitors', 0, 'visitors')).toBe(2);
  expect(result(decode(beyond()))).toBe(3);
  driver.count(pageView(2 * HOUR, { visitor: 'c' }));
  expect(driver.pane('visitors', 2 * HOUR, 'visitors')).toBe(1);
});

const LONG = 100_000;
const anything = fc.jsonValue({ maxDepth: 2 });
const text = fc.oneof(
  fc.string(),
  fc.constantFrom(
    'v1',
    'page_view',
    'view_item',
    'add_to_cart',
    'purchase',
    '__proto__',
    '',
    '\ud800',
    'x'.repeat(LONG),
  ),
);
const value = fc.oneof(anything, text);
const visitorName = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: fc.constantFrom(null, 7, {}, []) },
);
const anyOf = (...names: string[]) =>
  fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
const properties = fc.oneof(value, anyOf('items', 'item_id', 'item_category', 'currency', 'value'));
const context = fc.oneof(value, anyOf('device', 'country', 'ip'));
const data = fc.record(
  {
    anonymousId: visitorName,
    userId: visitorName,
    page: fc.oneof(value, anyOf('path')),
    properties,
    context,
    receivedAt: value,
  },
  { requiredKeys: [] },
);
const time = fc.oneof(
  { weight: 4, arbitrary: fc.nat(3 * HOUR).map((atMs) => new Date(START_MS + atMs).toISOString()) },
  { weight: 1, arbitrary: value },
);
const likeAnEvent = fc.record({ id: text, type: text, time, source: value, subject: value, messageid: value, data });

test('whatever another producer sends is counted as what it is, goes through a crash, and takes little room', async () => {
  let counted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(likeAnEvent, anything), { maxLength: 20 }), async (pack) => {
      const driver = createPartitionDriver('0', defaultAggregatorOptions, batchBehaviours);
      driver.count(...pack);
      const outcomes = ['counted', 'duplicate', 'late', 'malformed'].map(driver.total);
      expect(outcomes.reduce((sum, count) => sum + count, 0)).toBe(pack.length);
      counted += driver.total('counted');
      await driver.save();
      await driver.crash();
      const kept = JSON.stringify(driver.state.takeChanges() ?? {});
      expect(kept.length).toBeLessThan(10_000 * (pack.length + 1));
    }),
    { numRuns: 150 },
  );
  expect(counted).toBeGreaterThan(50);
});

test('visitors with longer names than the gateway takes are told apart', () => {
  const driver = createPartitionDriver();
  for (const end of ['a', 'b', 'a']) driver.count(pageView(0, { visitor: 'x'.repeat(LONG) + end }));
  expect(driver.pane('visitors', 0, 'visitors')).toBe(2);
});
