import { reject } from '../../events/index.js';
import type { EventResult } from '../pipeline/answer.js';
import { Problem } from '../problem.js';
import { compact, type Fields, fieldsOf, firstOf, textOf } from './fields.js';
import { contextOf, type NativeEvent, NO_ADDRESS, nameEvent, propertiesOr, timeOf, utmOf, without } from './foreign.js';
import { type JsonMapper, mapJson, type WrappedJson } from './form.js';
import { describeRejection, isAllRejected, rejectedOf } from './outcome.js';
import { jsonReply, type MappedEvents, type Protocol, pixelReply, type Reply, type RequestHead } from './protocol.js';
import { soleWriteKey } from './write-keys.js';

/** Mixpanel's `/track`, `/engage` and `/groups`: JSON, often in base64, in a query or a form, with the token inside. */

const PLACED: ReadonlySet<string> = new Set([
  'token',
  'time',
  '$insert_id',
  'distinct_id',
  '$device_id',
  '$user_id',
  'ip',
  '$current_url',
  'current_url',
  'current_page_title',
  '$referrer',
]);

const TYPES: ReadonlyMap<unknown, string> = new Map([
  ['$mp_web_page_view', 'page_view'],
  ['$mp_page_leave', 'page_leave'],
  ['$mp_click', 'click'],
  ['$mp_submit', 'form_submit'],
  ['$mp_input_change', 'form_change'],
  ['$mp_scroll', 'scroll'],
  ['$create_alias', 'alias'],
]);

type Mapper = (value: unknown, head: RequestHead) => unknown;

function mapperOf(mapOne: Mapper, keyOf: (fields: Fields) => unknown): JsonMapper {
  return (head: RequestHead, json: WrappedJson): MappedEvents | Problem => {
    const values: readonly unknown[] = Array.isArray(json.value) ? json.value : [json.value];
    const writeKey = soleWriteKey(values.map((value) => keyOf(fieldsOf(value) ?? {})));
    if (writeKey instanceof Problem) return writeKey;
    // `_` is when the browser library sent the request.
    const sentAt = timeOf(textOf(head.query['_']));
    return { items: values.map((value) => mapOne(value, head)), sentAt, isPlain: json.isPlain, writeKey };
  };
}

const mapTrack = mapperOf(mapEvent, (event) => fieldsOf(event['properties'])?.['token']);
/** What is said about a person or a group is an event of the type `identify` or `group`. */
const mapEngage = mapperOf((value, head) => mapProfile(value, head, 'identify'), keyOfProfile);
const mapGroups = mapperOf((value, head) => mapProfile(value, head, 'group'), keyOfProfile);

function keyOfProfile(update: Fields): unknown {
  return update['$token'] ?? update['token'];
}

/** With `ip=0` the request's address is not the visitor's: that of a server, or one that is not to be known. */
function ipOf(sent: unknown, { query }: RequestHead): unknown {
  return sent === 0 || sent === '0' || (query['ip'] === '0' && (sent ?? '') === '') ? NO_ADDRESS : sent;
}

function mapEvent(value: unknown, head: RequestHead): unknown {
  const event = fieldsOf(value);
  if (event === undefined) return reject('not_an_object', '');
  const { event: name, properties: sent } = event;
  const own = fieldsOf(sent);
  const { type, properties } = nameEvent(name, without(own, PLACED), TYPES);
  if (name === '$mp_click') addLink(properties);
  return {
    type,
    id: own?.['$insert_id'],
    occurredAt: timeOf(own?.['time']),
    ...visitorOf(firstOf(own, 'distinct_id', '$identified_id'), own),
    page: pageOf(own),
    properties: propertiesOr(sent, properties),
    context: contextOf({ ip: ipOf(own?.['ip'], head), campaign: utmOf(own) }),
  } satisfies NativeEvent;
}

const DEVICE_PREFIX = '$device:';

function deviceOf(id: unknown): string | undefined {
  return typeof id === 'string' && id.startsWith(DEVICE_PREFIX) ? id.slice(DEVICE_PREFIX.length) : undefined;
}

/**
 * `$device_id` and `$user_id` where the library tells them apart; else the distinct id is the user. `$identify` says who
 * that was before.
 */
function visitorOf(distinctId: unknown, properties: Fields | undefined) {
  const ofDistinctId = deviceOf(distinctId);
  const before = firstOf(properties, '$anon_id', '$anon_distinct_id');
  const deviceId = properties?.['$device_id'] ?? ofDistinctId ?? deviceOf(before) ?? before;
  const isAnonymous = ofDistinctId !== undefined || distinctId === deviceId;
  return { anonymousId: deviceId, userId: properties?.['$user_id'] ?? (isAnonymous ? undefined : distinctId) };
}

function pageOf(properties: Fields | undefined): Fields | undefined {
  const referrer = properties?.['$referrer'];
  return compact({
    url: textOf(properties?.['$current_url']) ?? textOf(properties?.['current_url']),
    title: textOf(properties?.['current_page_title']),
    // `$direct` is Mixpanel's word for no referrer.
    referrer: referrer === '$direct' ? undefined : textOf(referrer),
  });
}

/** The names of Google Analytics 4 for the link that a click has hit, itself or around what it hit. */
function addLink(properties: Record<string, unknown>): void {
  const elements: unknown = properties['$elements'];
  const hrefs = Array.isArray(elements) ? elements.map((element) => textOf(fieldsOf(element)?.['$attr-href'])) : [];
  const url = textOf(properties['$el_attr__href']) ?? hrefs.find((href) => href !== undefined);
  const text = textOf(properties['$el_text']);
  if (url !== undefined) properties['link_url'] ??= url;
  if (url !== undefined && text !== undefined) properties['link_text'] ??= text;
}

const PROFILE: ReadonlySet<string> = new Set([
  ...['$token', 'token', '$distinct_id', '$ip', '$time', '$device_id', '$user_id'],
]);

function mapProfile(value: unknown, head: RequestHead, type: 'identify' | 'group'): unknown {
  const update = fieldsOf(value);
  if (update === undefined) return reject('not_an_object', '');
  return {
    type,
    occurredAt: timeOf(update['$time']),
    ...visitorOf(update['$distinct_id'], update),
    properties: without(update, PROFILE),
    context: contextOf({ ip: ipOf(update['$ip'], head) }),
  } satisfies NativeEvent;
}

/** `1` or, when the request asks for words, `{"status": 1}`. Its SDKs know no other success. */
function answerMixpanel(results: readonly EventResult[], { query }: RequestHead): Reply {
  if (query['img'] === '1') return pixelReply();
  const rejected = rejectedOf(results);
  const status = isAllRejected(results) ? 0 : 1;
  const code = status === 0 ? 400 : 200;
  if (query['verbose'] !== '1') return textReply(String(status), code);
  const error = rejected.length === 0 ? null : rejected.map(describeRejection).join('; ').slice(0, 500);
  return jsonReply({ status, error, ...(rejected.length === 0 ? {} : { rejected }) }, code);
}

function refuseMixpanel(problem: Problem, { query }: RequestHead): Reply {
  if (query['verbose'] !== '1') return textReply('0', problem.status);
  return jsonReply({ status: 0, error: problem.detail, code: problem.code }, problem.status);
}

function textReply(body: string, status: number): Reply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

const words = { answer: answerMixpanel, refuse: refuseMixpanel };

/** POST `/track` is shared with OpenPanel: see shared-paths.ts. */
export const mixpanelTrack = { map: mapTrack, ...words };

export const mixpanel: Protocol = {
  name: 'mixpanel',
  // Its browser library sends every request with credentials; an answer that it may not read it sends again for ever.
  withCredentials: true,
  routes: [
    { method: 'GET', paths: ['/track', '/track/'], ...words, map: mapJson(mapTrack) },
    ...(['GET', 'POST'] as const).flatMap((method) => [
      { method, paths: ['/engage', '/engage/'], map: mapJson(mapEngage), ...words },
      { method, paths: ['/groups', '/groups/'], map: mapJson(mapGroups), ...words },
    ]),
  ],
};
