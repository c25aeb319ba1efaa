import { describe, expect, it } from 'vitest';
import { type Entry, fileSource, formatNamed } from '../../../src/import/index.js';
import { hasRealInput, realInput } from '../../helpers/input-files.js';

async function read(format: string, file: string, keepBots = false): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of formatNamed(format).read(fileSource(file).open(), { keepBots })) entries.push(entry);
  return entries;
}

const eventsOf = (entries: readonly Entry[]) => entries.flatMap((entry) => (entry.kind === 'event' ? [entry] : []));

function countByOutcome(entries: readonly Entry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of entries) {
    const key = entry.kind === 'event' ? entry.event.type : `${entry.kind}: ${entry.reason}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

describe.runIf(hasRealInput)('ten thousand requests of a real access log', () => {
  it('each line has one outcome, in the order of the file', async () => {
    const entries = await read('combined', realInput.accessLog);
    expect(entries.map(({ line }) => line)).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 1));
    expect(countByOutcome(entries)).toEqual({
      page_view: 1494,
      'dropped: asset_image': 3542,
      'dropped: asset_style': 1471,
      'dropped: bot': 1337,
      'dropped: asset_feed': 901,
      'dropped: asset_script': 250,
      'dropped: error_status': 208,
      'dropped: asset_download': 190,
      'dropped: asset_well_known': 180,
      'dropped: redirect': 163,
      'dropped: asset_font': 87,
      'dropped: no_user_agent': 49,
      'dropped: method': 48,
      'dropped: partial_content': 45,
      'dropped: asset_data': 31,
      'dropped: asset_media': 3,
      'rejected: unterminated_quote': 1,
    });
  });

  it('the one broken line is named', async () => {
    const entries = await read('combined', realInput.accessLog);
    expect(entries.filter(({ kind }) => kind === 'rejected')).toEqual([
      { kind: 'rejected', line: 8899, reason: 'unterminated_quote' },
    ]);
  });

  it('every page view has an id of its own, although some lines are the same', async () => {
    const events = eventsOf(await read('combined', realInput.accessLog));
    expect(new Set(events.map(({ event }) => event.id)).size).toBe(events.length);
    expect(new Set(events.map(({ event }) => event.anonymousId)).size).toBe(911);
    expect(new Date(Math.max(...events.map(({ timeMs }) => timeMs))).toISOString()).toBe('2015-05-20T21:05:53.000Z');
  });

  it('keeping robots brings back their page views and nothing else', async () => {
    const without = countByOutcome(await read('combined', realInput.accessLog));
    const { page_view: kept, ...rest } = countByOutcome(await read('combined', realInput.accessLog, true));
    const {
      page_view: views = 0,
      'dropped: bot': bots = 0,
      'dropped: no_user_agent': nameless = 0,
      ...others
    } = without;
    expect(kept).toBe(views + bots + nameless);
    expect(rest).toEqual(others);
  });
});

describe.runIf(hasRealInput)('a thousand events of a real shop', () => {
  it('each row is an event', async () => {
    const entries = await read('shop-csv', realInput.shopCsv);
    expect(countByOutcome(entries)).toEqual({ 'dropped: header': 1, view_item: 987, add_to_cart: 3, purchase: 10 });
    const events = eventsOf(entries);
    expect(new Set(events.map(({ event }) => event.id)).size).toBe(1000);
    expect(new Set(events.map(({ event }) => event.anonymousId)).size).toBe(330);
    expect(new Set(events.map(({ event }) => event.sessionId)).size).toBe(372);
    expect(events.filter(({ event }) => event.properties?.['item_category'] === undefined)).toHaveLength(366);
  });

  it('the ten purchases are ten orders worth 2,387.84 dollars', async () => {
    const purchases = eventsOf(await read('shop-csv', realInput.shopCsv)).filter(
      ({ event }) => event.type === 'purchase',
    );
    expect(new Set(purchases.map(({ event }) => event.properties?.['transaction_id'])).size).toBe(10);
    const cents = purchases.map(({ event }) => Math.round(Number(event.properties?.['value']) * 100));
    expect(cents.reduce((sum, value) => sum + value, 0)).toBe(238_784);
    expect(new Set(purchases.map(({ event }) => event.properties?.['currency']))).toEqual(new Set(['USD']));
  });
});
