import { Problem } from '../problem.js';
import { compact, type Fields, fieldsOf, textOf } from './fields.js';
import {
  campaignOfUrl,
  contextOf,
  type NativeEvent,
  nameEvent,
  propertiesOr,
  timeOf,
  utmOf,
  without,
} from './foreign.js';
import type { WrappedJson } from './form.js';
import { refusalOf, replyOf } from './outcome.js';
import type { MappedEvents, RequestHead } from './protocol.js';

/**
 * OpenPanel's `/track`, which it shares with Mixpanel: see shared-paths.ts. The write key is the client's secret, or in a
 * browser, which has none, its id.
 */

const TYPES: ReadonlyMap<unknown, string> = new Map([
  ['screen_view', 'page_view'],
  ['link_out', 'click'],
]);

const PLACED: ReadonlySet<string> = new Set([
  '__path',
  '__title',
  '__referrer',
  '__timestamp',
  '__deviceId',
  '__ip',
  '__userAgent',
]);

function mapOpenPanel({ headers }: RequestHead, json: WrappedJson): MappedEvents | Problem {
  const sent = fieldsOf(json.value);
  const payload = fieldsOf(sent?.['payload']);
  if (sent === undefined || payload === undefined) {
    return new Problem('PS_BODY_NOT_EVENTS', 'Send {"type": "track", "payload": {…}}');
  }
  const writeKey = textOf(headers['openpanel-client-secret']) ?? textOf(headers['openpanel-client-id']);
  const event = sent['type'] === 'track' ? mapTrack(payload) : mapOther(sent['type'], payload);
  return { items: [event], writeKey };
}

function mapTrack(payload: Fields): NativeEvent {
  const { name, properties: sent } = payload;
  const own = fieldsOf(sent);
  const { type, properties } = nameEvent(
    name,
    { ...compact({ groups: payload['groups'], link_url: own?.['href'] }), ...without(own, PLACED) },
    TYPES,
  );
  return {
    type,
    occurredAt: timeOf(own?.['__timestamp']),
    anonymousId: own?.['__deviceId'],
    userId: payload['profileId'],
    page: compact({
      url: textOf(own?.['__path']),
      title: textOf(own?.['__title']),
      referrer: textOf(own?.['__referrer']),
    }),
    properties: propertiesOr(sent, properties),
    context: contextOf({
      ip: own?.['__ip'],
      userAgent: own?.['__userAgent'],
      campaign: utmOf(own) ?? campaignOfUrl(textOf(own?.['__path'])),
    }),
  };
}

const PROFILE: ReadonlySet<string> = new Set(['profileId']);

/** `identify`, `increment`, `group` and so on are events of that type, about a person. */
function mapOther(type: unknown, payload: Fields): NativeEvent {
  return { type: nameEvent(type, {}).type, userId: payload['profileId'], properties: without(payload, PROFILE) };
}

/** The SDK reads both ids out of the answer, and retries when there is no JSON in it. */
export const openPanelTrack = {
  map: mapOpenPanel,
  answer: (results: Parameters<typeof replyOf>[0]) => replyOf(results, { deviceId: '', sessionId: '' }),
  refuse: refusalOf,
};
