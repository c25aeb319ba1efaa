import type { EventResult } from '../pipeline/answer.js';
import { compact, type Fields, numberOf, paramsOf, setField, textOf } from './fields.js';
import { campaignOfUrl, contextOf, type NativeEvent, without } from './foreign.js';
import { isAllRejected, replyOf } from './outcome.js';
import { type MappedEvents, type Protocol, pixelReply, type Reply, type RequestHead } from './protocol.js';

/**
 * What Google's tag (gtag.js, also out of Tag Manager) sends to `/g/collect`: parameters in the query and, of several
 * events, a line for each in the body, over those of the query. Names of events and parameters are Google Analytics 4's,
 * as Penstock's own are. The measurement id is the write key.
 */

const PLACED: ReadonlySet<string> = new Set([
  ...['v', 'tid', 'en', 'cid', 'uid', 'sid', 'dl', 'dt', 'dr', 'ul', 'gcs', 'writeKey'],
  ...['cs', 'cm', 'cn', 'ck', 'cc', 'cu', '_et'],
]);

/** Names of parameters that begin so have a place of their own: those of events, of users, and the items of an order. */
const STRUCTURED = /^(?:epn?|upn?)\.|^pr\d{1,3}$/;

function mapCollect({ query }: RequestHead, body: Buffer): MappedEvents {
  const shared = { ...query };
  const lines = body
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim());
  const told = lines.filter((line) => line !== '').map((line) => ({ ...shared, ...paramsOf(line) }));
  return { items: (told.length === 0 ? [shared] : told).map(mapEvent), writeKey: textOf(query['tid']) };
}

function mapEvent(params: Fields): NativeEvent {
  const url = textOf(params['dl']);
  const own = propertiesOf(params);
  return {
    type: params['en'],
    // As in the Measurement Protocol: no field of the protocol, but what makes an event one when it is told twice.
    id: textOf(own['event_id']),
    anonymousId: params['cid'],
    userId: params['uid'],
    sessionId: params['sid'],
    page: compact({ url, title: textOf(params['dt']), referrer: textOf(params['dr']) }),
    properties: own,
    consent: consentOfState(params['gcs']),
    context: contextOf({ locale: params['ul'], campaign: campaignOf(params) ?? campaignOfUrl(url) }),
  };
}

function propertiesOf(params: Fields): Record<string, unknown> {
  const rest = Object.entries(without(params, PLACED)).filter(([name]) => !STRUCTURED.test(name));
  const properties: Record<string, unknown> = Object.fromEntries(rest);
  const user: Record<string, unknown> = {};
  const items: unknown[] = [];
  for (const [name, value] of Object.entries(params)) {
    const dot = name.indexOf('.');
    const prefix = name.slice(0, Math.max(dot, 0));
    if (prefix === 'ep') setField(properties, name.slice(dot + 1), value);
    else if (prefix === 'epn') setField(properties, name.slice(dot + 1), numberOf(value));
    else if (prefix === 'up') setField(user, name.slice(dot + 1), value);
    else if (prefix === 'upn') setField(user, name.slice(dot + 1), numberOf(value));
    else if (STRUCTURED.test(name)) items.push(itemOf(value));
  }
  const more = compact({ currency: params['cu'], engagement_time_msec: numberOf(params['_et']) });
  return {
    ...properties,
    ...more,
    ...(items.length === 0 ? {} : { items }),
    ...(Object.keys(user).length === 0 ? {} : { user_properties: user }),
  };
}

const ITEM_FIELDS: ReadonlyMap<string, string> = new Map([
  ['id', 'item_id'],
  ['nm', 'item_name'],
  ['br', 'item_brand'],
  ['ca', 'item_category'],
  ['c2', 'item_category2'],
  ['c3', 'item_category3'],
  ['c4', 'item_category4'],
  ['c5', 'item_category5'],
  ['va', 'item_variant'],
  ['li', 'item_list_id'],
  ['ln', 'item_list_name'],
  ['lo', 'location_id'],
  ['lp', 'index'],
  ['pr', 'price'],
  ['qt', 'quantity'],
  ['ds', 'discount'],
  ['cp', 'coupon'],
  ['af', 'affiliation'],
  ['pi', 'promotion_id'],
  ['pn', 'promotion_name'],
  ['cn', 'creative_name'],
  ['cs', 'creative_slot'],
]);
const ITEM_NUMBERS: ReadonlySet<string> = new Set(['index', 'price', 'quantity', 'discount']);

/** `idSKU~nmName~pr12.5`: fields of two letters, and of the shop's own making as pairs of `k0…` and `v0…`. */
function itemOf(sent: unknown): unknown {
  if (typeof sent !== 'string') return sent;
  const item: Record<string, unknown> = {};
  const parts = new Map(sent.split('~').map((part) => [part.slice(0, 2), part.slice(2)]));
  for (const [code, value] of parts) {
    const name = ITEM_FIELDS.get(code) ?? (/^k\d$/.test(code) ? value : undefined);
    if (name === undefined) continue;
    const told = ITEM_FIELDS.has(code) ? value : parts.get(`v${code[1]}`);
    setField(item, name, ITEM_NUMBERS.has(name) ? numberOf(told) : told);
  }
  return item;
}

/** `G1` and, of advertising and analytics, whether they may store: `G110` is the first alone. */
function consentOfState(state: unknown): Fields | undefined {
  const [, ads, analytics] = /^G1([01-])([01-])/.exec(textOf(state) ?? '') ?? [];
  const answerOf = (digit: string | undefined) => (digit === '1' ? true : digit === '0' ? false : undefined);
  return compact({ ad_storage: answerOf(ads), analytics_storage: answerOf(analytics) });
}

function campaignOf(params: Fields): Fields | undefined {
  const { cs, cm, cn, ck, cc } = params;
  return compact({ source: cs, medium: cm, name: cn, term: ck, content: cc });
}

/** The tag reads nothing of it; who looks at the network learns what was refused. */
function answer(results: readonly EventResult[], { query }: RequestHead): Reply {
  const isPicture = query['en'] !== undefined && !isAllRejected(results);
  return isPicture ? pixelReply() : replyOf(results, { status: 'ok' });
}

const route = { paths: ['/g/collect'], map: mapCollect, answer };

export const gtag: Protocol = {
  name: 'gtag',
  // It sends the cookies of the server it was given.
  withCredentials: true,
  routes: [
    { method: 'GET', ...route },
    { method: 'POST', ...route },
  ],
};
