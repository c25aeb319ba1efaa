import { reject } from '../../events/index.js';
import { parseJson } from '../pipeline/parse.js';
import { Problem } from '../problem.js';
import { compact, type Fields, fieldsOf, percentDecoded, textOf } from './fields.js';
import { campaignOfUrl, contextOf, type NativeEvent, nameEvent, propertiesOr, timeOf, without } from './foreign.js';
import { replyOf } from './outcome.js';
import type { MappedEvents, Protocol, RequestHead } from './protocol.js';
import { soleWriteKey } from './write-keys.js';

/** Umami's `/api/send`, and `/api/batch` with an array of the same. The website's id is the write key. */

const PLACED: ReadonlySet<string> = new Set([
  'website',
  'name',
  'data',
  'url',
  'title',
  'referrer',
  'language',
  'ip',
  'userAgent',
  'timestamp',
  'id',
]);

function mapUmami({ headers }: RequestHead, body: Buffer): MappedEvents | Problem {
  const parsed = parseJson(body);
  if (parsed instanceof Problem) return parsed;
  const values: readonly unknown[] = Array.isArray(parsed.value) ? parsed.value : [parsed.value];
  const writeKey = soleWriteKey(values.map((value) => fieldsOf(fieldsOf(value)?.['payload'])?.['website']));
  if (writeKey instanceof Problem) return writeKey;
  // Scripts that name their site in a header say everything as it is.
  const plain = headers['x-umami-website-id'] === undefined ? decodeOnce : (payload: Fields) => payload;
  return { items: values.map((value) => mapEvent(value, plain)), isPlain: parsed.isPlain, writeKey };
}

/** Umami's script of version 2 has encoded the page's addresses, which were already, and its title; Umami undoes it too. */
function decodeOnce(payload: Fields): Fields {
  const { url, referrer, title } = payload;
  return {
    ...payload,
    url: unescapePercent(url),
    referrer: unescapePercent(referrer),
    title: typeof title === 'string' ? percentDecoded(title) : title,
  };
}

function unescapePercent(url: unknown): unknown {
  return typeof url === 'string' ? url.replace(/%25(?=[0-9a-f]{2})/gi, '%') : url;
}

function mapEvent(value: unknown, plain: (payload: Fields) => Fields): unknown {
  const sent = fieldsOf(value);
  const told = fieldsOf(sent?.['payload']);
  if (sent === undefined || told === undefined) return reject('not_an_object', sent === undefined ? '' : '/payload');
  const payload = plain(told);
  const { name, data } = payload;
  const kind = sent['type'];
  const { type, properties } = nameEvent(kind === 'event' ? (name ?? 'page_view') : kind, {
    ...without(payload, PLACED),
    ...commerceOf(fieldsOf(fieldsOf(data)?.['commerce'])),
    ...fieldsOf(data),
  });
  return {
    type,
    occurredAt: timeOf(payload['timestamp']),
    userId: payload['id'],
    page: pageOf(payload),
    properties: propertiesOr(data, properties),
    context: contextOf({
      ip: payload['ip'],
      userAgent: payload['userAgent'],
      locale: payload['language'],
      device: payload['device'],
      campaign: campaignOfUrl(textOf(payload['url'])),
    }),
  } satisfies NativeEvent;
}

/** What the script says of a basket or an order, in the names of Google Analytics 4; its prices are without tax and shipping. */
function commerceOf(commerce: Fields | undefined): Fields | undefined {
  if (commerce === undefined) return undefined;
  const sent = commerce['items'];
  const items = Array.isArray(sent) ? sent.map(itemOf) : undefined;
  return compact({
    transaction_id: commerce['orderId'],
    currency: commerce['currency'],
    tax: commerce['tax'],
    shipping: commerce['shipping'],
    items,
    value: items === undefined ? undefined : sumOf(items),
  });
}

function itemOf(sent: unknown): unknown {
  const item = fieldsOf(sent);
  if (item === undefined) return sent;
  const { productId, name, variant, category, price, quantity } = item;
  const words = { item_id: productId, item_name: name, item_variant: variant, item_category: category };
  return compact({ ...words, price, quantity });
}

/** Undefined when an item has no price, for the pipeline to refuse an order that has no value. */
function sumOf(items: readonly unknown[]): number | undefined {
  const prices = items.map((item) => {
    const { price, quantity } = fieldsOf(item) ?? {};
    return typeof price === 'number' && typeof quantity === 'number' ? price * quantity : Number.NaN;
  });
  const sum = prices.reduce((total, price) => total + price, 0);
  // To a millionth: binary fractions of cents do not add up.
  return Number.isFinite(sum) ? Math.round(sum * 1e6) / 1e6 : undefined;
}

/** The address is mostly without its host, which is beside it. */
function pageOf(payload: Fields): Fields | undefined {
  return compact({
    url: textOf(payload['url']),
    title: textOf(payload['title']),
    referrer: textOf(payload['referrer']),
  });
}

export const umami: Protocol = {
  name: 'umami',
  routes: [
    {
      method: 'POST',
      paths: ['/api/send', '/api/batch'],
      map: mapUmami,
      answer: (results) => replyOf(results, { ok: true }),
    },
  ],
};
