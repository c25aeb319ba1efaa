import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shopCsv } from '../../../src/import/formats/shop-csv.js';
import type { Entry } from '../../../src/import/index.js';

const HEADER = 'event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session';
const PURCHASE =
  '2019-10-01 00:02:14 UTC,purchase,1004856,2053,electronics.smartphone,samsung,130.76,543272936,8187d148';

async function read(...lines: string[]): Promise<Entry[]> {
  async function* chunks() {
    yield Buffer.from(lines.join('\n'));
  }
  const entries: Entry[] = [];
  for await (const entry of shopCsv.read(chunks(), { keepBots: false })) entries.push(entry);
  return entries;
}

/** The entries after the header's. */
const rows = async (...lines: string[]) => (await read(HEADER, ...lines)).slice(1);

function eventOf(entry: Entry | undefined) {
  if (entry?.kind !== 'event') throw new Error(`no event: ${JSON.stringify(entry)}`);
  return entry;
}

describe('a row of a shop', () => {
  it('becomes an event in the words of Google Analytics 4', async () => {
    const { line, timeMs, event } = eventOf((await rows(PURCHASE))[0]);
    expect(line).toBe(2);
    expect(timeMs).toBe(Date.UTC(2019, 9, 1, 0, 2, 14));
    expect(event).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      type: 'purchase',
      anonymousId: '543272936',
      userId: '543272936',
      sessionId: '8187d148',
      page: { path: '/product/1004856' },
      properties: {
        item_id: '1004856',
        item_category: 'electronics.smartphone',
        item_category_id: '2053',
        item_brand: 'samsung',
        price: 130.76,
        currency: 'USD',
        transaction_id: expect.stringMatching(/^[\w-]{22}$/),
        value: 130.76,
      },
    });
  });

  it('leaves out what the row leaves empty', async () => {
    const { event } = eventOf((await rows('2019-10-01 00:00:00 UTC,view,1,,,,,7,'))[0]);
    expect(event).toEqual({
      id: expect.any(String),
      type: 'view_item',
      anonymousId: '7',
      userId: '7',
      page: { path: '/product/1' },
      properties: { item_id: '1' },
    });
  });

  it('the same row twice is two orders, and both have the same ids in every import', async () => {
    const [first, second] = (await rows(PURCHASE, PURCHASE)).map((entry) => eventOf(entry).event);
    expect(first?.id).not.toBe(second?.id);
    expect(first?.properties?.['transaction_id']).not.toBe(second?.properties?.['transaction_id']);
    expect(await rows(PURCHASE, PURCHASE)).toEqual(await rows(PURCHASE, PURCHASE));
  });

  it('quoted fields may hold commas and quotes', async () => {
    const { event } = eventOf((await rows('2019-10-01 00:00:00 UTC,cart,1,,,"a ""b"", c",1.5,7,s'))[0]);
    expect(event.properties?.['item_brand']).toBe('a "b", c');
  });

  it('the columns are found by name, in any order, after a byte order mark, with others between', async () => {
    const entries = await read(
      '\ufeffuser_id,event_time,extra,product_id,event_type',
      '7,2019-10-01T00:00:00Z,x,1,view',
    );
    expect(eventOf(entries[1]).event.userId).toBe('7');
  });

  it.each([
    [PURCHASE.replace('purchase', 'gift'), { reason: 'bad_value', field: 'event_type' }],
    [PURCHASE.replace('2019-10-01', '2019-02-30'), { reason: 'bad_value', field: 'event_time' }],
    [PURCHASE.replace('2019-10-01', 'yesterday'), { reason: 'bad_value', field: 'event_time' }],
    [PURCHASE.replace('130.76', 'free'), { reason: 'bad_value', field: 'price' }],
    [PURCHASE.replace('130.76', '-1'), { reason: 'bad_value', field: 'price' }],
    [PURCHASE.replace('130.76', ''), { reason: 'missing_value', field: 'price' }],
    [PURCHASE.replace('543272936', ''), { reason: 'missing_value', field: 'user_id' }],
    [PURCHASE.replace('samsung', 's'.repeat(257)), { reason: 'value_too_long', field: 'brand' }],
    [`${PURCHASE},more`, { reason: 'wrong_number_of_columns' }],
    [PURCHASE.replace('samsung', '"samsung'), { reason: 'bad_quoting' }],
    ['', { reason: 'empty_line' }],
    ['x'.repeat(70_000), { reason: 'line_too_long' }],
  ])('a bad row is rejected with its line and field, and costs only itself', async (row, expected) => {
    const entries = await rows(row, PURCHASE);
    expect(entries[0]).toEqual({ kind: 'rejected', line: 2, ...expected });
    expect(eventOf(entries[1]).line).toBe(3);
  });

  it('a first line without the columns is an error that names them', async () => {
    await expect(read(PURCHASE)).rejects.toMatchObject({
      code: 'PS_IMPORT_UNREADABLE',
      message: expect.stringContaining('event_time, event_type, product_id, user_id'),
    });
  });

  it('each line has exactly one outcome, whatever it holds', async () => {
    const mutated = fc
      .tuple(fc.nat(PURCHASE.length), fc.nat(10), fc.string({ unit: fc.constantFrom('"', ',', 'a', '0', '\u00e4') }))
      .map(([at, cut, put]) => PURCHASE.slice(0, at) + put + PURCHASE.slice(at + cut));
    const line = fc.oneof(
      mutated,
      fc.string().map((text) => text.replaceAll('\n', '')),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 20 }), async (lines) => {
        const entries = await rows(...lines, PURCHASE);
        expect(entries.map((entry) => entry.line)).toEqual([...lines, PURCHASE].map((_, index) => index + 2));
      }),
    );
  });
});
