import { reject, truncateIp } from '../../events/index.js';
import type { EventResult } from '../pipeline/answer.js';
import { parseJson } from '../pipeline/parse.js';
import { Problem } from '../problem.js';
import { commerceProperties, typeOfName } from './ecommerce.js';
import { compact, type Fields, fieldsOf, firstOf, setField, textOf } from './fields.js';
import { consentOf, NO_ADDRESS } from './foreign.js';
import { mapJson } from './form.js';
import { type EventsRoute, jsonReply, type Protocol, pixelReply, type Reply, type RequestHead } from './protocol.js';

/**
 * Segment's HTTP tracking API, with the short paths of its browser library and the settings that this asks for first.
 * A path names the type of its one event, or a batch.
 */
const TYPES_BY_PATH: Readonly<Record<string, string | undefined>> = {
  '/v1/track': 'track',
  '/v1/t': 'track',
  '/v1/page': 'page',
  '/v1/p': 'page',
  '/v1/identify': 'identify',
  '/v1/i': 'identify',
  '/v1/screen': 'screen',
  '/v1/s': 'screen',
  '/v1/group': 'group',
  '/v1/g': 'group',
  '/v1/alias': 'alias',
  '/v1/a': 'alias',
  '/v1/batch': undefined,
  '/v1/b': undefined,
  '/v1/import': undefined,
};

/** Any other path that others serve with this is that of a batch. */
export const segmentEvents: EventsRoute = {
  method: 'POST',
  paths: Object.keys(TYPES_BY_PATH),
  map(request, body) {
    const parsed = parseJson(body);
    if (parsed instanceof Problem) return parsed;
    const message = fieldsOf(parsed.value);
    if (message === undefined) return new Problem('PS_BODY_NOT_EVENTS', 'Send one message, or {"batch": […]}');
    const type = TYPES_BY_PATH[request.route];
    const { sentAt } = message;
    if (type !== undefined) {
      return { items: [mapMessage(message, type, undefined)], sentAt, writeKey: textOf(message['writeKey']) };
    }
    const { batch } = message;
    if (!Array.isArray(batch)) return new Problem('PS_BODY_NOT_EVENTS', 'Send {"batch": […]}');
    return {
      items: batch.map((item) => mapItem(item, message)),
      sentAt,
      writeKey: textOf(message['writeKey']) ?? textOf(fieldsOf(batch[0])?.['writeKey']),
    };
  },
  answer: (results) => answerOf(results),
  // Its SDKs wait as long as they are told after 429, and after 503 as they like.
  refuse: (problem) =>
    jsonReply(
      { success: false, code: problem.code, message: problem.detail },
      problem.retryAfterSeconds === undefined ? problem.status : 429,
    ),
};

/** Its pixel API, for mails and pages without script: the message is in the query, in base64. */
const pixel: EventsRoute = {
  method: 'GET',
  paths: ['/v1/pixel/:type'],
  map: mapJson(({ params: { type } }, { value, isPlain }) => {
    const message = fieldsOf(value);
    if (message === undefined || type === undefined || !KINDS.has(type)) {
      return new Problem('PS_BODY_NOT_EVENTS', 'Send one message as JSON, in base64, as `data`');
    }
    const writeKey = textOf(message['writeKey']);
    return { items: [mapMessage(message, type, undefined)], sentAt: message['sentAt'], isPlain, writeKey };
  }),
  answer: (results) => (results[0]?.outcome === 'rejected' ? answerOf(results) : pixelReply()),
};

/** Where the browser library is to send to; it asks before anything else, and works with no other settings. */
function settings({ params, headers }: RequestHead): Reply {
  const { host } = headers;
  const isTls = headers['x-forwarded-proto'] === 'https';
  const here = host === undefined ? {} : { apiHost: `${host}/v1`, protocol: isTls ? 'https' : 'http' };
  return jsonReply({
    integrations: { 'Segment.io': { apiKey: params['writeKey'], versionSettings: {}, ...here } },
    plan: { track: { __default: { enabled: true } }, identify: { __default: { enabled: true } } },
    edgeFunction: {},
    analyticsNextEnabled: true,
    middlewareSettings: {},
    enabledMiddleware: {},
    metrics: { sampleRate: 0 },
    legacyVideoPluginsEnabled: false,
    remotePlugins: [],
  });
}

export const segment: Protocol = {
  name: 'segment',
  routes: [segmentEvents, pixel, { method: 'GET', paths: ['/v1/projects/:writeKey/settings'], page: settings }],
};

/** One bad event never costs its batch; when nothing of a request was good, its SDK is to know. */
function answerOf(results: readonly EventResult[]): Reply {
  const rejected = results.filter(({ outcome }) => outcome === 'rejected').length;
  if (rejected === 0) return jsonReply({ success: true });
  const success = rejected < results.length;
  return jsonReply({ success, results }, success ? 200 : 400);
}

/** What Segment's family of trackers can be told; any other is refused. */
export const KINDS: ReadonlySet<unknown> = new Set(['track', 'page', 'identify', 'screen', 'group', 'alias']);

/** One message, which names its own type; `batch` is what is said once for several. */
export function mapItem(item: unknown, batch: Fields): unknown {
  const message = fieldsOf(item);
  if (message === undefined) return reject('not_an_object', '');
  const type = message['type'] ?? message['action'];
  if (typeof type !== 'string') return reject('required', '/type', message['messageId']);
  if (!KINDS.has(type)) return reject('invalid_format', '/type', message['messageId']);
  return mapMessage(message, type, fieldsOf(batch['context']));
}

/** What has a place of its own in the native event, or is for the SDK and its server alone. */
const MAPPED: ReadonlySet<string> = new Set([
  ...[
    'type',
    'action',
    'event',
    'name',
    'category',
    'messageId',
    'anonymousId',
    'userId',
    'timestamp',
    'originalTimestamp',
  ],
  ...['sentAt', 'receivedAt', 'context', 'properties', 'traits', 'groupId', 'previousId', 'writeKey', '_metadata'],
]);

function mapMessage(message: Fields, kind: string, batchContext: Fields | undefined): unknown {
  const own = fieldsOf(message['context']);
  const context = batchContext === undefined ? own : { ...batchContext, ...own };
  const properties: Record<string, unknown> = {};
  for (const key of Object.keys(message)) if (!MAPPED.has(key)) setField(properties, key, message[key]);
  if (isEmpty(properties['integrations'])) delete properties['integrations'];
  const mappedContext = mapContext(context, properties);
  const body = bodyOf(kind, message);
  for (const key of Object.keys(body.properties)) setField(properties, key, body.properties[key]);
  return compact({
    type: body.type,
    id: message['messageId'],
    // The SDK's own clock, which a server of Segment's would have corrected into `timestamp` (and so do we).
    occurredAt: message['originalTimestamp'] ?? message['timestamp'],
    sentAt: message['sentAt'],
    anonymousId: message['anonymousId'],
    userId: message['userId'],
    sessionId: firstOf(context, 'sessionId', 'session_id'),
    page: mapPage(kind, message, context),
    properties: isEmpty(properties) ? undefined : properties,
    context: mappedContext,
    consent: consentOf(fieldsOf(context?.['consent'])?.['categoryPreferences']),
  });
}

interface Body {
  readonly type: unknown;
  readonly properties: Fields;
}

function bodyOf(kind: string, message: Fields): Body {
  // What is no object stays under its name, for the pipeline to judge.
  const properties = fieldsOf(message['properties']) ?? compact({ properties: message['properties'] }) ?? {};
  const { traits, name, category } = message;
  switch (kind) {
    case 'track':
      return trackBody(message['event'], properties);
    case 'page':
      return { type: 'page_view', properties: { ...withoutPage(properties), ...compact({ name, category }) } };
    case 'screen':
      return { type: 'screen_view', properties: { ...properties, ...compact({ screen_name: name, category }) } };
    case 'group':
      return { type: 'group', properties: { ...properties, ...compact({ group_id: message['groupId'], traits }) } };
    case 'alias':
      return { type: 'alias', properties: { ...properties, ...compact({ previous_id: message['previousId'] }) } };
    default:
      return { type: 'identify', properties: { ...properties, ...compact({ traits }) } };
  }
}

function trackBody(event: unknown, properties: Fields): Body {
  if (typeof event !== 'string' || event === '') return { type: event === '' ? undefined : event, properties };
  const type = typeOfName(event, properties) ?? 'track';
  const mapped = commerceProperties(type, properties);
  return { type, properties: type === event ? mapped : { ...mapped, event_name: event } };
}

/** Page calls tell the page in their properties, over that of the context. */
function mapPage(kind: string, message: Fields, context: Fields | undefined): Fields | undefined {
  const page = fieldsOf(context?.['page']);
  const told = kind === 'page' ? fieldsOf(message['properties']) : undefined;
  const pick = (key: string) => textOf(told?.[key]) ?? textOf(page?.[key]);
  const url = textOf(told?.['url']);
  const path = url === undefined ? pick('path') : textOf(told?.['path']);
  const referrer = pick('referrer');
  return compact({
    url: url ?? textOf(page?.['url']),
    path,
    title: pick('title'),
    // `$direct` is RudderStack's word for no referrer.
    referrer: referrer === '$direct' ? undefined : referrer,
  });
}

/** The properties of a page call without what the native event has in its page. */
function withoutPage(properties: Fields): Fields {
  const rest = { ...properties };
  for (const key of PAGE_FIELDS) if (typeof rest[key] === 'string') delete rest[key];
  return rest;
}

const NATIVE_CONTEXT: ReadonlySet<string> = new Set([
  'ip',
  'userAgent',
  'locale',
  'campaign',
  'sessionId',
  'session_id',
]);
const PAGE_FIELDS: ReadonlySet<string> = new Set(['url', 'path', 'title', 'referrer']);

/** The native context; what that has no field for becomes a property, as `context_…` does of native events. */
function mapContext(context: Fields | undefined, properties: Record<string, unknown>): Fields | undefined {
  if (context === undefined) return undefined;
  for (const key of Object.keys(context)) {
    if (key === 'page') addRestOfPage(context[key], properties);
    else if (!NATIVE_CONTEXT.has(key)) setField(properties, `context_${key}`, context[key]);
  }
  return compact({
    ip: ipOf(context['ip']),
    userAgent: textOf(context['userAgent']),
    locale: textOf(context['locale']),
    campaign: campaignOf(context['campaign']),
    country: countryOf(fieldsOf(context['location'])?.['country']),
  });
}

function addRestOfPage(page: unknown, properties: Record<string, unknown>): void {
  const fields = fieldsOf(page) ?? {};
  for (const key of Object.keys(fields)) {
    if (!PAGE_FIELDS.has(key) && fields[key] !== '') setField(properties, `page_${key}`, fields[key]);
  }
}

/** `0` and what is no address is how clients say that it is not to be known: then it is not the request's either. */
function ipOf(ip: unknown): string | undefined {
  if (ip === undefined || ip === null || ip === '') return undefined;
  return typeof ip === 'string' && truncateIp(ip) !== undefined ? ip : NO_ADDRESS;
}

function countryOf(country: unknown): string | undefined {
  return typeof country === 'string' && /^[A-Za-z]{2}$/.test(country) ? country : undefined;
}

function campaignOf(campaign: unknown): Fields | undefined {
  const fields = fieldsOf(campaign);
  if (fields === undefined) return undefined;
  const texts: Record<string, unknown> = {};
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    if (value !== undefined && value !== null) setField(texts, key, typeof value === 'number' ? String(value) : value);
  }
  return compact(texts);
}

function isEmpty(value: unknown): boolean {
  const fields = fieldsOf(value);
  return fields !== undefined && Object.keys(fields).length === 0;
}
