import { reject } from '../../events/index.js';
import { parseJson } from '../pipeline/parse.js';
import { Problem } from '../problem.js';
import { compact, type Fields, fieldsOf, numberOf, setField, textOf } from './fields.js';
import { campaignOfUrl, contextOf, type Named, type NativeEvent, NO_ADDRESS, nameEvent, without } from './foreign.js';
import { replyOf } from './outcome.js';
import { type MappedEvents, type Protocol, pixelReply, type RequestHead } from './protocol.js';
import { type Entity, nameSelfDescribing } from './snowplow-schemas.js';
import { soleWriteKey } from './write-keys.js';

/**
 * Snowplow's tracker protocol: events as flat lists of text parameters, posted in a `payload_data` or as one query. An
 * application's id is the write key, where no header has one.
 */

const PAYLOAD_DATA = 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-';

function mapPost(request: RequestHead, body: Buffer): MappedEvents | Problem {
  const parsed = parseJson(body);
  if (parsed instanceof Problem) return parsed;
  const payload = fieldsOf(parsed.value);
  const schema = textOf(payload?.['schema']);
  const data = payload?.['data'];
  if (!schema?.startsWith(PAYLOAD_DATA) || !Array.isArray(data)) {
    return new Problem('PS_BODY_NOT_EVENTS', 'Send payload_data of version 1: {"schema": "iglu:…", "data": […]}');
  }
  return mapAll(request, data);
}

function mapGet(request: RequestHead): MappedEvents {
  const params: Record<string, unknown> = {};
  for (const key of Object.keys(request.query)) {
    const value: unknown = request.query[key];
    setField(params, key, Array.isArray(value) ? value[0] : value);
  }
  return mapAll(request, [params]);
}

function mapAll({ headers, query }: RequestHead, data: readonly unknown[]): MappedEvents {
  const key = soleWriteKey(data.map((params) => fieldsOf(params)?.['aid']));
  const isAnonymous = headers['sp-anonymous'] !== undefined;
  const hasOwnKey = [headers.authorization, headers['x-write-key'], query['writeKey']].some(
    (sent) => sent !== undefined,
  );
  return {
    items: data.map((params) => {
      const fields = fieldsOf(params);
      if (fields === undefined) return reject('not_an_object', '');
      // A key is nothing that readers of the event should see.
      return mapParams(hasOwnKey ? fields : { ...fields, aid: undefined }, isAnonymous);
    }),
    // Of several applications none is the sender: then a header has to say who is.
    writeKey: key instanceof Problem ? undefined : key,
  };
}

/** What has a place of its own in the native event, in its properties under another name, or none for being spent. */
const PLACED: ReadonlySet<string> = new Set([
  ...[
    'e',
    'eid',
    'dtm',
    'stm',
    'ttm',
    'duid',
    'tnuid',
    'nuid',
    'uid',
    'sid',
    'url',
    'page',
    'refr',
    'ip',
    'ua',
    'lang',
  ],
  ...['ue_pr', 'ue_px', 'co', 'cx', 'se_ca', 'se_ac', 'se_la', 'se_pr', 'se_va', 'writeKey'],
  ...['tr_id', 'tr_tt', 'tr_tx', 'tr_sh', 'tr_af', 'tr_cu'],
  ...['ti_id', 'ti_sk', 'ti_nm', 'ti_ca', 'ti_pr', 'ti_qu', 'ti_cu'],
]);

function mapParams(params: Fields, isAnonymous: boolean): NativeEvent | ReturnType<typeof reject> {
  const entities = readEntities(params);
  if (entities instanceof Problem) return reject('invalid_json', 'cx' in params ? '/cx' : '/co', params['eid']);
  const named = nameOf(params, entities);
  if (named instanceof Problem) return reject('invalid_json', 'ue_px' in params ? '/ue_px' : '/ue_pr', params['eid']);
  const properties: Record<string, unknown> = { ...compact(without(params, PLACED)), ...named.properties };
  if (entities.length > 0) properties['contexts'] = entities;
  const session = entities.find(({ schema }) => schema.includes('/client_session/'))?.data;
  const { ttm } = params;
  const url = textOf(params['url']);
  return {
    type: named.type,
    id: params['eid'],
    // A true timestamp is right as it is; the device's clock is measured against when it sent.
    occurredAt: numberOf(ttm ?? params['dtm']),
    sentAt: ttm === undefined ? numberOf(params['stm']) : undefined,
    anonymousId: params['duid'] ?? session?.['userId'] ?? params['tnuid'] ?? params['nuid'],
    userId: params['uid'],
    sessionId: params['sid'] ?? session?.['sessionId'],
    page: compact({ url, title: textOf(params['page']), referrer: textOf(params['refr']) }),
    properties,
    context: contextOf({
      // Anonymous tracking: the address of the request is not to be known either.
      ip: isAnonymous ? NO_ADDRESS : params['ip'],
      userAgent: params['ua'],
      locale: params['lang'],
      campaign: campaignOfUrl(url),
    }),
  };
}

/** Type and properties by `e`, the kind of an event. */
function nameOf(params: Fields, entities: readonly Entity[]): Named | Problem {
  switch (params['e']) {
    case 'pv':
      return { type: 'page_view', properties: {} };
    case 'pp':
      return { type: 'page_ping', properties: mapNumbers(params, ['pp_mix', 'pp_max', 'pp_miy', 'pp_may']) };
    case 'se':
      return structured(params);
    case 'tr':
      return transaction(params);
    case 'ti':
      return transactionItem(params);
    case 'ue': {
      const event = readJson(params['ue_px'], params['ue_pr']);
      return event instanceof Problem ? event : nameSelfDescribing(fieldsOf(event)?.['data'], entities);
    }
    default:
      // Other kinds are for the pipeline to judge: it refuses what is no text.
      return { type: params['e'], properties: {} };
  }
}

function mapNumbers(params: Fields, names: readonly string[]): Record<string, unknown> {
  return compact(Object.fromEntries(names.map((name) => [name, numberOf(params[name])]))) ?? {};
}

function structured(params: Fields): Named {
  const properties = compact({
    se_category: params['se_ca'],
    se_label: params['se_la'],
    se_property: params['se_pr'],
    value: numberOf(params['se_va']),
  });
  const named = nameEvent(params['se_ac'], properties ?? {});
  return { type: named.type, properties: { ...named.properties, se_action: params['se_ac'] } };
}

function transaction(params: Fields): Named {
  const properties = compact({
    transaction_id: params['tr_id'],
    value: numberOf(params['tr_tt']),
    tax: numberOf(params['tr_tx']),
    shipping: numberOf(params['tr_sh']),
    affiliation: params['tr_af'],
    currency: params['tr_cu'],
  });
  return { type: 'purchase', properties: properties ?? {} };
}

/** Trackers send the items of an order one by one, after it. */
function transactionItem(params: Fields): Named {
  const item = compact({
    item_id: params['ti_sk'],
    item_name: params['ti_nm'],
    item_category: params['ti_ca'],
    price: numberOf(params['ti_pr']),
    quantity: numberOf(params['ti_qu']),
  });
  const order = compact({ transaction_id: params['ti_id'], currency: params['ti_cu'] });
  return { type: 'purchase_item', properties: { ...order, ...(item === undefined ? {} : { items: [item] }) } };
}

/** The entities that are attached to an event. */
function readEntities(params: Fields): readonly Entity[] | Problem {
  if (params['cx'] === undefined && params['co'] === undefined) return [];
  const contexts = readJson(params['cx'], params['co']);
  if (contexts instanceof Problem) return contexts;
  const data = fieldsOf(contexts)?.['data'];
  if (!Array.isArray(data)) return [];
  return data.flatMap((value: unknown) => {
    const entity = fieldsOf(value);
    const schema = textOf(entity?.['schema']);
    return schema === undefined ? [] : [{ schema, data: fieldsOf(entity?.['data']) ?? {} }];
  });
}

/** JSON in URL-safe base64 or as it is, in a parameter. */
function readJson(base64: unknown, plain: unknown): unknown {
  const bytes =
    typeof base64 === 'string' ? Buffer.from(base64, 'base64url') : Buffer.from(textOf(plain) ?? '', 'utf8');
  const parsed = parseJson(bytes);
  return parsed instanceof Problem ? parsed : parsed.value;
}

export const snowplow: Protocol = {
  name: 'snowplow',
  // Its browser tracker sends its collector's cookies unless it is told not to; here there are none.
  withCredentials: true,
  routes: [
    {
      method: 'POST',
      paths: ['/com.snowplowanalytics.snowplow/tp2'],
      map: mapPost,
      answer: (results) => replyOf(results, { status: 'ok' }),
    },
    {
      method: 'GET',
      paths: ['/i', '/ice.png'],
      map: mapGet,
      // A tracker that sends by GET has to know what a picture could not tell it.
      answer: (results) => (results[0]?.outcome === 'rejected' ? replyOf(results, {}) : pixelReply()),
    },
  ],
};
