import { createTimeParser, reject } from '../../events/index.js';
import type { EventResult } from '../pipeline/answer.js';
import { parseJson } from '../pipeline/parse.js';
import { Problem } from '../problem.js';
import { compact, type Fields, fieldsOf, numberOf, paramsOf, setField, textOf } from './fields.js';
import { campaignOfUrl, contextOf, type NativeEvent, nameEvent, timeOf, without } from './foreign.js';
import { describeRejection, rejectedOf } from './outcome.js';
import { jsonReply, type MappedEvents, type Protocol, pixelReply, type Reply, type RequestHead } from './protocol.js';
import { soleWriteKey } from './write-keys.js';

/** Matomo's tracking API: one hit as a query or a form, or many as `{"requests": […]}`. The site's id is the write key. */

/** What steers the request, is secret, or has a place of its own in the native event. */
const PLACED: ReadonlySet<string> = new Set([
  ...['idsite', 'rec', 'apiv', 'rand', 'r', 'token_auth', 'send_image', 'queuedtracking', 'writeKey'],
  ...[
    'url',
    'action_name',
    'urlref',
    '_id',
    'cid',
    'uid',
    'lang',
    'ua',
    'cip',
    'country',
    'cdt',
    'cdo',
    '_rcn',
    '_rck',
  ],
]);

function mapMatomo({ query, receivedAtMs }: RequestHead, body: Buffer): MappedEvents | Problem {
  const hits = hitsOf(query, body);
  if (hits instanceof Problem) return hits;
  const writeKey = soleWriteKey(hits.map((hit) => hit?.['idsite']));
  if (writeKey instanceof Problem) return writeKey;
  const items = hits.map((hit) => (hit === undefined ? reject('not_an_object', '') : mapHit(hit, receivedAtMs)));
  return { items, writeKey };
}

const OPEN_BRACE = 0x7b;

function hitsOf(query: Fields, body: Buffer): readonly (Fields | undefined)[] | Problem {
  if (body[0] !== OPEN_BRACE) return [{ ...paramsOf(body.toString('utf8')), ...firstValuesOf(query) }];
  const parsed = parseJson(body);
  if (parsed instanceof Problem) return parsed;
  const requests = fieldsOf(parsed.value)?.['requests'];
  if (!Array.isArray(requests)) return new Problem('PS_BODY_NOT_EVENTS', 'Send {"requests": ["?idsite=…", …]}');
  return requests.map((request) => (typeof request === 'string' ? paramsOf(request) : fieldsOf(request)));
}

function firstValuesOf(query: Fields): Fields {
  const params: Record<string, unknown> = {};
  for (const key of Object.keys(query)) {
    const value: unknown = query[key];
    setField(params, key, Array.isArray(value) ? value.at(-1) : value);
  }
  return params;
}

function mapHit(hit: Fields, receivedAtMs: number): NativeEvent {
  const { type, properties } = actionOf(hit);
  const url = textOf(hit['url']);
  return {
    type,
    occurredAt: happenedAt(hit, receivedAtMs),
    anonymousId: hit['cid'] ?? hit['_id'],
    userId: hit['uid'],
    page: compact({ url, title: textOf(hit['action_name']), referrer: textOf(hit['urlref']) }),
    properties,
    context: contextOf({
      ip: hit['cip'],
      userAgent: hit['ua'],
      locale: hit['lang'],
      country: hit['country'],
      campaign: compact({ ...campaignOfUrl(url, utmNameOf), ...compact({ name: hit['_rcn'], term: hit['_rck'] }) }),
    }),
  };
}

const readTime = createTimeParser();

/** `cdo` is how many seconds before `cdt`, or before the request, it was; Matomo's own offline queue sends it alone. */
function happenedAt(hit: Fields, receivedAtMs: number): unknown {
  const since = hit['cdt'] === '' ? undefined : timeOf(hit['cdt']);
  const seconds = numberOf(hit['cdo']);
  if (typeof seconds !== 'number' || seconds === 0) return since;
  const sinceMs = since === undefined ? receivedAtMs : readTime(since);
  // What is no time is refused as such.
  return sinceMs === undefined ? since : Math.round(sinceMs - Math.abs(seconds) * 1000);
}

/** Matomo's own names of a campaign's parameters, and those of Piwik, beside `utm_…`. */
function utmNameOf(parameter: string): string {
  return parameter.replace(/^(?:mtm|pk)_/, 'utm_').replace(/^utm_(?:kwd|keyword)$/, 'utm_term');
}

interface Action {
  readonly type: unknown;
  readonly properties: Record<string, unknown>;
}

/** The parameters tell what a hit is; all of them stay, beside Google Analytics 4's names for them. */
function actionOf(hit: Fields): Action {
  const rest = without(hit, PLACED);
  const as = (type: string, more: Fields = {}) => ({ type, properties: { ...rest, ...compact(more) } });
  if (hit['ping'] === '1' || hit['ping'] === 1) return as('user_engagement');
  if (textOf(hit['e_a']) !== undefined) {
    const names = { event_category: hit['e_c'], event_label: hit['e_n'], value: numberOf(hit['e_v']) };
    return nameEvent(hit['e_a'], { ...rest, ...compact(names) });
  }
  if (hit['idgoal'] !== undefined) return goalOf(hit, as);
  if (hit['search'] !== undefined) return as('search', { search_term: hit['search'] });
  if (hit['download'] !== undefined) return as('file_download', { link_url: hit['download'] });
  if (hit['link'] !== undefined) return as('click', { link_url: hit['link'] });
  if (hit['c_n'] !== undefined) return as(hit['c_i'] === undefined ? 'content_impression' : 'content_interaction');
  if (hit['_pks'] !== undefined || hit['_pkn'] !== undefined) return as('view_item', { items: [itemOfView(hit)] });
  return as('page_view');
}

/** Goal 0 is the shop: an order when it has a number, else what is in the cart now. */
function goalOf(hit: Fields, as: (type: string, more: Fields) => Action): Action {
  const money = { value: numberOf(hit['revenue']), currency: hit['currency'] };
  if (String(hit['idgoal']) !== '0') return as('goal', { goal_id: hit['idgoal'], ...money });
  const cart = { ...money, items: itemsOf(hit['ec_items']) };
  if (hit['ec_id'] === undefined) return as('cart_update', cart);
  return as('purchase', {
    ...cart,
    transaction_id: hit['ec_id'],
    tax: numberOf(hit['ec_tx']),
    shipping: numberOf(hit['ec_sh']),
    discount: numberOf(hit['ec_dt']),
  });
}

/** `[[sku, name, category, price, quantity], …]`, as JSON text. */
function itemsOf(sent: unknown): unknown {
  const text = textOf(sent);
  if (text === undefined) return undefined;
  const parsed = parseJson(Buffer.from(text, 'utf8'));
  if (parsed instanceof Problem || !Array.isArray(parsed.value)) return undefined;
  return parsed.value.map((item: unknown) => {
    if (!Array.isArray(item)) return item;
    const [sku, name, category, price, quantity] = item as readonly unknown[];
    const fields = { item_id: sku, item_name: name, item_category: firstOfSeveral(category) };
    return compact({ ...fields, price: numberOf(price), quantity: numberOf(quantity) });
  });
}

function itemOfView(hit: Fields): Fields | undefined {
  return compact({
    item_id: hit['_pks'],
    item_name: hit['_pkn'],
    item_category: categoryOfView(hit['_pkc']),
    price: numberOf(hit['_pkp']),
  });
}

/** Of several, its script sends a JSON array as text. */
function categoryOfView(sent: unknown): unknown {
  const text = textOf(sent);
  if (!text?.startsWith('[')) return sent;
  const parsed = parseJson(Buffer.from(text, 'utf8'));
  return parsed instanceof Problem ? sent : firstOfSeveral(parsed.value);
}

function firstOfSeveral(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value;
}

function answerMatomo(results: readonly EventResult[], { query }: RequestHead): Reply {
  const rejected = rejectedOf(results);
  const [first] = rejected;
  if (first === undefined || results.length > 1) {
    // A picture is for hits that were told in a query; all others read the numbers or nothing.
    return query['idsite'] === undefined ? summary(results) : pixelReply();
  }
  return { status: 400, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: describeRejection(first) };
}

function summary(results: readonly EventResult[]): Reply {
  const invalid = results.flatMap(({ outcome }, index) => (outcome === 'rejected' ? [index] : []));
  return jsonReply({
    status: 'success',
    tracked: results.length - invalid.length,
    invalid: invalid.length,
    invalid_indices: invalid,
    ...(invalid.length === 0 ? {} : { rejected: rejectedOf(results) }),
  });
}

const route = { paths: ['/matomo.php', '/piwik.php'], map: mapMatomo, answer: answerMatomo };

export const matomo: Protocol = {
  name: 'matomo',
  // Its browser library sends beacons, and with them cookies.
  withCredentials: true,
  routes: [
    { method: 'GET', ...route },
    { method: 'POST', ...route },
  ],
};
