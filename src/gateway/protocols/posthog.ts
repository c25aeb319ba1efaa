import { reject } from '../../events/index.js';
import { Problem } from '../problem.js';
import { compact, type Fields, fieldsOf, firstOf, textOf } from './fields.js';
import { contextOf, type NativeEvent, nameEvent, propertiesOr, timeOf, utmOf, without } from './foreign.js';
import { mapJson, type WrappedJson } from './form.js';
import { replyOf } from './outcome.js';
import { jsonReply, type MappedEvents, type Protocol, type Reply, type RequestHead } from './protocol.js';
import { soleWriteKey } from './write-keys.js';

/** PostHog's capture API (v0), as posthog-js and the server SDKs speak it. */

/** Of an event, what is not one of its properties. */
const ENVELOPE: ReadonlySet<string> = new Set([
  'event',
  'properties',
  'timestamp',
  'offset',
  'uuid',
  'distinct_id',
  'api_key',
  'token',
  'sent_at',
  'sentAt',
  'batch',
  'historical_migration',
]);

/** Properties that have a place of their own in the native event. */
const PLACED: ReadonlySet<string> = new Set([
  'token',
  'api_key',
  'distinct_id',
  '$device_id',
  '$user_id',
  '$anon_distinct_id',
  '$session_id',
  '$current_url',
  '$pathname',
  '$referrer',
  '$title',
  'title',
  '$ip',
  '$raw_user_agent',
  '$browser_language',
]);

const TYPES: ReadonlyMap<unknown, string> = new Map([
  ['$pageview', 'page_view'],
  ['$pageleave', 'page_leave'],
  ['$screen', 'screen_view'],
  ['$identify', 'identify'],
  ['$set', 'identify'],
  ['$create_alias', 'alias'],
  ['$groupidentify', 'group'],
]);

/** What happened to an element that `$autocapture` tells of. */
const INTERACTIONS: ReadonlyMap<unknown, string> = new Map([
  ['click', 'click'],
  ['submit', 'form_submit'],
  ['change', 'form_change'],
]);

function mapPostHog(head: RequestHead, json: WrappedJson): MappedEvents | Problem {
  const root = fieldsOf(json.value);
  const events = Array.isArray(json.value) ? json.value : Array.isArray(root?.['batch']) ? root['batch'] : [json.value];
  const writeKey = soleWriteKey([root?.['api_key'], root?.['token'], ...events.flatMap(keysOf)]);
  if (writeKey instanceof Problem) return writeKey;
  // `_` is when posthog-js sent the request; the Python SDK says `sentAt`.
  const requestSentAt = textOf(head.query['_']) ?? json.form.get('_') ?? undefined;
  const sentAt = timeOf(root?.['sent_at'] ?? root?.['sentAt'] ?? requestSentAt);
  return { items: events.map((event) => mapEvent(event, sentAt)), sentAt, isPlain: json.isPlain, writeKey };
}

function keysOf(event: unknown): unknown[] {
  const fields = fieldsOf(event);
  const properties = fieldsOf(fields?.['properties']);
  return [fields?.['api_key'], fields?.['token'], properties?.['token'], properties?.['api_key']];
}

function mapEvent(value: unknown, sentAt: unknown): unknown {
  const event = fieldsOf(value);
  if (event === undefined) return reject('not_an_object', '');
  const sent = fieldsOf(event['properties']);
  const name = event['event'];
  const rest = { ...without(event, ENVELOPE), ...without(sent, PLACED) };
  const { type, properties } = nameEvent(name, rest, name === '$autocapture' ? interactionOf(sent) : TYPES);
  if (type === 'click') addLink(properties);
  return {
    type,
    id: event['uuid'],
    occurredAt: occurredAtOf(event, sentAt),
    ...visitorOf(event, sent),
    sessionId: sent?.['$session_id'],
    page: pageOf(sent),
    properties: propertiesOr(event['properties'], properties),
    context: contextOf({
      ip: sent?.['$ip'],
      userAgent: sent?.['$raw_user_agent'],
      device: sent?.['$device_type'],
      locale: sent?.['$browser_language'],
      campaign: utmOf(sent),
    }),
  } satisfies NativeEvent;
}

function interactionOf(properties: Fields | undefined): ReadonlyMap<unknown, string> {
  return new Map([['$autocapture', INTERACTIONS.get(properties?.['$event_type']) ?? 'autocapture']]);
}

/** posthog-js tells the time of an event as an offset from when it was sent, where it tells no timestamp. */
function occurredAtOf(event: Fields, sentAt: unknown): unknown {
  const { timestamp, offset } = event;
  if (timestamp !== undefined && timestamp !== null) return timeOf(timestamp);
  return typeof sentAt === 'number' && typeof offset === 'number' ? sentAt - offset : undefined;
}

/** What posthog-js calls all visitors in whose browsers it may keep nothing, for the server to tell them apart. */
const COOKIELESS = '$posthog_cookieless';

/**
 * A browser's `$device_id` is what its `distinct_id` was before the visitor was identified; after a reset there is a new
 * `distinct_id` on the old device, and `$is_identified` tells. A server names users only, unless it says that there is no
 * person behind the event.
 */
function visitorOf(event: Fields, properties: Fields | undefined) {
  const distinctId = firstOf(event, 'distinct_id') ?? firstOf(properties, 'distinct_id');
  const deviceId = firstOf(properties, '$anon_distinct_id', '$device_id');
  const userId = firstOf(properties, '$user_id');
  if (distinctId === COOKIELESS) return { userId };
  const isAnonymous =
    distinctId === deviceId ||
    properties?.['$process_person_profile'] === false ||
    properties?.['$is_identified'] === false;
  if (isAnonymous) return { anonymousId: distinctId, userId };
  return { anonymousId: deviceId, userId: userId ?? distinctId };
}

function pageOf(properties: Fields | undefined): Fields | undefined {
  return compact({
    url: textOf(properties?.['$current_url']),
    path: textOf(properties?.['$pathname']),
    title: textOf(firstOf(properties, '$title', 'title')),
    // `$direct` is PostHog's word for no referrer.
    referrer: properties?.['$referrer'] === '$direct' ? undefined : textOf(properties?.['$referrer']),
  });
}

/** The names of Google Analytics 4 for what a click has hit. */
function addLink(properties: Record<string, unknown>): void {
  const elements: unknown = properties['$elements'];
  const hrefs = Array.isArray(elements) ? elements.map((element) => fieldsOf(element)?.['attr__href']) : [];
  const url = textOf(properties['$external_click_url']) ?? hrefs.map(textOf).find((href) => href !== undefined);
  const text = textOf(properties['$el_text']);
  if (url !== undefined) properties['link_url'] ??= url;
  if (text !== undefined) properties['link_text'] ??= text;
}

/**
 * No feature flags, no recordings: what posthog-js and the server SDKs take as "nothing to do". Not a word of surveys:
 * even told that there are none, posthog-js loads the script that would show them.
 */
const NOTHING_TO_DO = {
  flags: {},
  featureFlags: {},
  featureFlagPayloads: {},
  errorsWhileComputingFlags: false,
  config: { enable_collect_everything: true },
  supportedCompression: ['gzip-js'],
  hasFeatureFlags: false,
  sessionRecording: false,
  capturePerformance: false,
  autocapture_opt_out: false,
  autocaptureExceptions: false,
  heatmaps: false,
  toolbarParams: {},
  isAuthenticated: false,
  siteApps: [],
};

const CAPTURE_PATHS = ['/e', '/e/', '/capture', '/capture/', '/i/v0/e', '/i/v0/e/'];
const answer = (results: Parameters<typeof replyOf>[0]) => replyOf(results, { status: 'Ok' });

/** posthog-js throws away what is answered with 429, as with any 4xx; what is answered with 503 all its SDKs send again. */
function refuse(problem: Problem): Reply {
  const status = problem.retryAfterSeconds === undefined ? problem.status : 503;
  return jsonReply({ error: problem.detail, code: problem.code }, status);
}

/** `/batch` is shared with Amplitude: see shared-paths.ts. */
export const postHogBatch = { map: mapPostHog, answer, refuse };

const capture = { paths: CAPTURE_PATHS, map: mapJson(mapPostHog), answer, refuse };

export const postHog: Protocol = {
  name: 'posthog',
  // Older versions of posthog-js send with credentials, and what they may not read the answer to ten times more.
  withCredentials: true,
  routes: [
    { method: 'POST', ...capture },
    { method: 'GET', ...capture },
    {
      method: 'POST',
      paths: ['/flags', '/flags/', '/decide', '/decide/'],
      map: mapJson(mapFlagsRequest),
      answer: () => jsonReply(NOTHING_TO_DO),
    },
    {
      method: 'GET',
      paths: ['/array/:token/config'],
      page: () => jsonReply(NOTHING_TO_DO),
    },
    { method: 'GET', paths: ['/array/:token/config.js'], page: configScript },
  ],
};

/** The same as a script, which posthog-js loads first. */
function configScript({ params }: RequestHead): Reply {
  const all = 'window._POSTHOG_REMOTE_CONFIG';
  const config = JSON.stringify({ config: NOTHING_TO_DO, siteApps: [] });
  return {
    status: 200,
    headers: { 'content-type': 'text/javascript; charset=utf-8' },
    body: `(${all}=${all}||{})[${JSON.stringify(params['token'])}]=${config};`,
  };
}

/** A question about feature flags is no event, but not everybody may ask. */
function mapFlagsRequest(_head: RequestHead, json: WrappedJson): MappedEvents {
  const root = fieldsOf(json.value);
  return { items: [], writeKey: textOf(root?.['token']) ?? textOf(root?.['api_key']) };
}
