import { parse } from 'csv-parse/sync';
import type { Entry, Format, RejectedEntry, UndatedEvent } from '../entry.js';
import { ImportError } from '../errors.js';
import { createOccurrences, stableId } from '../identity.js';
import { splitLines } from '../lines.js';

const MAX_LINE_BYTES = 64 * 1024;
const MAX_FIELD_CHARACTERS = 256;

/** The shop's words, and Google Analytics 4's for them. */
const typeByShopEvent: ReadonlyMap<string, string> = new Map([
  ['view', 'view_item'],
  ['cart', 'add_to_cart'],
  ['remove_from_cart', 'remove_from_cart'],
  ['purchase', 'purchase'],
]);

const REQUIRED = ['event_time', 'event_type', 'product_id', 'user_id'] as const;
const OPTIONAL = ['category_id', 'category_code', 'brand', 'price', 'user_session'] as const;
type Column = (typeof REQUIRED)[number] | (typeof OPTIONAL)[number];
type Row = Readonly<Record<Column, string>>;

/**
 * The open e-commerce data sets of REES46 (https://rees46.com/en/open-cdp): one row an event, with the columns
 * event_time, event_type, product_id, category_id, category_code, brand, price (US dollars), user_id, user_session.
 */
export const shopCsv: Format = {
  name: 'shop-csv',
  summary: 'events of a shop as CSV, in the columns of the REES46 data sets',
  unit: 'rows',
  read: readShopCsv,
};

/** A row is a line: one that is broken costs itself alone, where a stray quote would otherwise swallow the rows after it. */
async function* readShopCsv(chunks: AsyncIterable<Buffer>): AsyncGenerator<Entry> {
  const occurrenceOf = createOccurrences();
  let header: Header | undefined;
  for await (const { number, bytes } of splitLines(chunks, MAX_LINE_BYTES)) {
    if (!bytes || bytes.length === 0) {
      yield { kind: 'rejected', line: number, reason: bytes ? 'empty_line' : 'line_too_long' };
      continue;
    }
    const fields = splitFields(bytes.toString('utf8'));
    if (!header) {
      header = readHeader(fields);
      yield { kind: 'dropped', line: number, reason: 'header' };
    } else if (!fields) yield { kind: 'rejected', line: number, reason: 'bad_quoting' };
    else if (fields.length !== header.width)
      yield { kind: 'rejected', line: number, reason: 'wrong_number_of_columns' };
    else {
      const content = stableId(bytes);
      const occurrence = String(occurrenceOf(content));
      yield toEntry(number, header.rowOf(fields), stableId(content, occurrence), occurrence);
    }
  }
}

/** Undefined when the quotes of the line do not close. Without quotes a line is its fields between commas (RFC 4180). */
function splitFields(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(',');
  try {
    return parse(line, { relax_column_count: true })[0];
  } catch {
    return undefined;
  }
}

interface Header {
  readonly width: number;
  rowOf(fields: readonly string[]): Row;
}

/** @throws ImportError PS_IMPORT_UNREADABLE when the first line does not name the columns. */
function readHeader(fields: readonly string[] | undefined): Header {
  const names = (fields ?? []).map((name) => name.replace('\ufeff', '').trim());
  const missing = REQUIRED.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    throw new ImportError(
      'PS_IMPORT_UNREADABLE',
      `the first line must name the columns of a shop-csv file; ${missing.join(', ')} not found`,
    );
  }
  const columns = [...REQUIRED, ...OPTIONAL].map((column) => [column, names.indexOf(column)] as const);
  return {
    width: names.length,
    rowOf: (values) => Object.fromEntries(columns.map(([column, at]) => [column, values[at] ?? ''])) as Row,
  };
}

function toEntry(line: number, row: Row, id: string, occurrence: string): Entry {
  const bad = (reason: string, field: Column): RejectedEntry => ({ kind: 'rejected', line, reason, field });
  for (const column of REQUIRED) if (row[column] === '') return bad('missing_value', column);
  for (const column of [...REQUIRED, ...OPTIONAL])
    if (row[column].length > MAX_FIELD_CHARACTERS) return bad('value_too_long', column);
  const timeMs = parseShopTime(row.event_time);
  if (timeMs === undefined) return bad('bad_value', 'event_time');
  const type = typeByShopEvent.get(row.event_type);
  if (type === undefined) return bad('bad_value', 'event_type');
  const price = parsePrice(row.price);
  if (price === 'bad') return bad('bad_value', 'price');
  if (type === 'purchase' && price === undefined) return bad('missing_value', 'price');
  return { kind: 'event', line, timeMs, event: shopEvent(row, { id, type, price, occurrence }) };
}

/**
 * `user_id` is the shop's permanent id of a visitor, known by name or not, and so serves as both ids: distinct visitors
 * are distinct `user_id`s. `item_category` is the full dotted code; many rows have none. The file numbers no orders, so
 * a purchase's `transaction_id` is made of session, product and time: the same in every import, whatever the shift.
 */
function shopEvent(
  row: Row,
  facts: { id: string; type: string; price: number | undefined; occurrence: string },
): UndatedEvent {
  const { id, type, price } = facts;
  return {
    id,
    type,
    anonymousId: row.user_id,
    userId: row.user_id,
    ...(row.user_session !== '' && { sessionId: row.user_session }),
    page: { path: `/product/${encodeURIComponent(row.product_id)}` },
    properties: {
      item_id: row.product_id,
      ...(row.category_code !== '' && { item_category: row.category_code }),
      ...(row.category_id !== '' && { item_category_id: row.category_id }),
      ...(row.brand !== '' && { item_brand: row.brand }),
      ...(price !== undefined && { price, currency: 'USD' }),
      ...(type === 'purchase' && {
        transaction_id: stableId(row.user_session, row.product_id, row.event_time, facts.occurrence),
        value: price,
      }),
    },
  };
}

const SHOP_TIME = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})(?: UTC|Z)$/;

/** `2019-10-01 00:00:00 UTC` in milliseconds since the epoch; undefined when it is no such time. */
function parseShopTime(text: string): number | undefined {
  const match = SHOP_TIME.exec(text);
  if (!match) return undefined;
  const iso = `${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}.000Z`;
  const timeMs = Date.parse(iso);
  // A day that does not exist, such as 30 February, is read as another one.
  return Number.isNaN(timeMs) || new Date(timeMs).toISOString() !== iso ? undefined : timeMs;
}

/** Undefined when there is none. */
function parsePrice(text: string): number | undefined | 'bad' {
  if (text === '') return undefined;
  return /^\d{1,12}(?:\.\d{1,6})?$/.test(text) ? Number(text) : 'bad';
}
