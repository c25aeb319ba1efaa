import { reject } from '../../events/index.js';
import type { EventResult } from '../pipeline/answer.js';
import { parseJson } from '../pipeline/parse.js';
import { Problem } from '../problem.js';
import { compact, type Fields, fieldsOf, textOf } from './fields.js';
import { contextOf, type NativeEvent, nameEvent, propertiesOr, timeOf, utmOf, without } from './foreign.js';
import { looksLikeJson, mapJson, type WrappedJson } from './form.js';
import { describeRejection, isAllRejected, rejectedOf } from './outcome.js';
import { jsonReply, type MappedEvents, type Protocol, type Reply, type RequestHead } from './protocol.js';

/** Amplitude's HTTP API v2 and its batch API. Its SDKs look at `code` in the body, not at the status. */

/** Of an event, what has a place of its own in the native one; everything else becomes a property. */
const PLACED: ReadonlySet<string> = new Set([
  'event_type',
  'event_properties',
  'user_id',
  'device_id',
  'insert_id',
  'time',
  'session_id',
  'ip',
  'language',
  'user_agent',
]);

const PAGE_PROPERTIES = {
  url: '[Amplitude] Page URL',
  location: '[Amplitude] Page Location',
  path: '[Amplitude] Page Path',
  title: '[Amplitude] Page Title',
  referrer: 'referrer',
} as const;

/** What Amplitude's own libraries call what they send by themselves. */
const TYPES: ReadonlyMap<unknown, string> = new Map([
  ['[Amplitude] Page Viewed', 'page_view'],
  ['[Amplitude] Element Clicked', 'click'],
  ['[Amplitude] Element Changed', 'form_change'],
  ['[Amplitude] Form Started', 'form_start'],
  ['[Amplitude] Form Submitted', 'form_submit'],
  ['[Amplitude] File Downloaded', 'file_download'],
  ['$identify', 'identify'],
  ['$groupidentify', 'group'],
]);

function mapAmplitude(_head: RequestHead, json: WrappedJson): MappedEvents | Problem {
  const root = fieldsOf(json.value);
  const events = root?.['events'];
  if (root === undefined || events === undefined || events === null) {
    return new Problem('PS_BODY_NOT_EVENTS', 'Send {"api_key": …, "events": […]}');
  }
  return {
    items: (Array.isArray(events) ? events : [events]).map(mapEvent),
    sentAt: timeOf(root['client_upload_time'] ?? undefined),
    isPlain: json.isPlain,
    writeKey: textOf(root['api_key']),
  };
}

/** amplitude-js, the browser library before the present one, sends a form: `client`, `e` with events, `upload_time`. */
function mapForm(_head: RequestHead, body: Buffer): MappedEvents | Problem {
  const form = new URLSearchParams(body.toString('utf8'));
  const events = form.get('e');
  if (events === null) return new Problem('PS_BODY_NOT_EVENTS', 'Send a form with events as JSON in `e`');
  const parsed = parseJson(Buffer.from(events, 'utf8'));
  if (parsed instanceof Problem) return parsed;
  return {
    items: (Array.isArray(parsed.value) ? parsed.value : [parsed.value]).map(mapFormEvent),
    sentAt: timeOf(form.get('upload_time') ?? undefined),
    isPlain: parsed.isPlain,
    writeKey: textOf(form.get('client')),
  };
}

const OF_FORM: ReadonlySet<string> = new Set(['timestamp', 'uuid']);

function mapFormEvent(value: unknown): unknown {
  const event = fieldsOf(value);
  const { timestamp, uuid } = event ?? {};
  return mapEvent(
    event === undefined ? value : { ...compact(without(event, OF_FORM)), time: timestamp, insert_id: uuid },
  );
}

/** The requests of amplitude-js that wait for their answers. */
const forms = new WeakSet<RequestHead>();

/** JSON is also sent under the content type of a form, which curl gives to whatever it posts. */
function mapJsonOrForm(request: RequestHead, body: Buffer): MappedEvents | Problem {
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  if (!isForm || looksLikeJson(body)) return mapJson(mapAmplitude)(request, body);
  forms.add(request);
  return mapForm(request, body);
}

function mapEvent(value: unknown): unknown {
  const event = fieldsOf(value);
  if (event === undefined) return reject('not_an_object', '');
  const { event_type: name, event_properties: sent } = event;
  const own = fieldsOf(sent);
  const { type, properties } = nameEvent(name, { ...without(event, PLACED), ...own }, TYPES);
  return {
    type,
    id: event['insert_id'],
    occurredAt: timeOf(event['time']),
    anonymousId: event['device_id'],
    userId: event['user_id'],
    // -1 is Amplitude's word for no session.
    sessionId: event['session_id'] === -1 ? undefined : event['session_id'],
    page: pageOf(own),
    properties: propertiesOr(sent, properties),
    context: contextOf({
      // `$remote`, the address of the request, is what an event without an address has anyway.
      ip: event['ip'],
      userAgent: event['user_agent'],
      locale: event['language'],
      country: event['country'],
      campaign: utmOf(own),
    }),
  } satisfies NativeEvent;
}

function pageOf(properties: Fields | undefined): Fields | undefined {
  const url = textOf(properties?.[PAGE_PROPERTIES.location]) ?? textOf(properties?.[PAGE_PROPERTIES.url]);
  const path = textOf(properties?.[PAGE_PROPERTIES.path]);
  const title = textOf(properties?.[PAGE_PROPERTIES.title]);
  if (url === undefined && path === undefined) return undefined;
  return compact({ url, path, title, referrer: textOf(properties?.[PAGE_PROPERTIES.referrer]) });
}

function answerAmplitude(results: readonly EventResult[], request: RequestHead): Reply {
  const rejected = rejectedOf(results);
  // To amplitude-js anything but 200 means to keep the events and, before all others, to send them again.
  if (isAllRejected(results) && !forms.has(request)) return invalid(results, rejected);
  return jsonReply({
    code: 200,
    events_ingested: results.length - rejected.length,
    // The SDKs show it to their callers and do not use it.
    payload_size_bytes: 0,
    server_upload_time: request.receivedAtMs,
    ...(rejected.length === 0 ? {} : { rejected }),
  });
}

/** Its names of native fields that are not called so. */
const OWN_NAMES: ReadonlyMap<string, string> = new Map([
  ['/type', 'event_type'],
  ['/id', 'insert_id'],
  ['/occurredAt', 'time'],
  ['/anonymousId', 'device_id'],
  ['/userId', 'user_id'],
  ['/sessionId', 'session_id'],
]);

/** With `code` 400 the SDKs give up the events that are named, and send all others again. */
function invalid(results: readonly EventResult[], rejected: readonly EventResult[]): Reply {
  const fields = { invalid: {} as Record<string, number[]>, missing: {} as Record<string, number[]> };
  for (const [index, { reason, path = '' }] of results.entries()) {
    const of = reason === 'required' ? fields.missing : fields.invalid;
    const field = OWN_NAMES.get(path) ?? (path.slice(1).replace(/^properties/, 'event_properties') || 'event');
    of[field] = [...(of[field] ?? []), index];
  }
  return jsonReply(
    {
      code: 400,
      error: rejected.map(describeRejection).join('; ').slice(0, 500),
      events_with_invalid_fields: fields.invalid,
      events_with_missing_fields: fields.missing,
      rejected,
    },
    400,
  );
}

/** `Invalid API key` is what makes the SDKs give up instead of trying again. */
function refuseAmplitude(problem: Problem): Reply {
  if (problem.status === 401) return jsonReply({ code: 400, error: `Invalid API key: ${problem.detail}` }, 400);
  const code = problem.status === 415 ? 400 : problem.status;
  const missing = code === 400 ? { missing_field: 'events' } : {};
  return jsonReply({ code, error: problem.detail, ...missing, throttled_events: [] }, problem.status);
}

/** `/batch` is shared with PostHog: see shared-paths.ts. */
export const amplitudeBatch = { map: mapAmplitude, answer: answerAmplitude, refuse: refuseAmplitude };

export const amplitude: Protocol = {
  name: 'amplitude',
  routes: [
    {
      method: 'POST',
      paths: ['/2/httpapi', '/2/httpapi/'],
      ...amplitudeBatch,
      map: mapJsonOrForm,
    },
  ],
};
