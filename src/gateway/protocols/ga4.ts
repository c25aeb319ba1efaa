import { reject } from '../../events/index.js';
import type { EventResult } from '../pipeline/answer.js';
import { parseJson } from '../pipeline/parse.js';
import { Problem } from '../problem.js';
import { compact, type Fields, fieldsOf, textOf } from './fields.js';
import { campaignOfUrl, consentOf, contextOf, type NativeEvent, propertiesOr, without } from './foreign.js';
import { replyOf } from './outcome.js';
import { jsonReply, type MappedEvents, type Protocol, type RequestHead } from './protocol.js';

/**
 * Google Analytics 4's Measurement Protocol. Its event names and parameters are Penstock's own; what is said once for
 * all events of a request becomes a property of each.
 */

const ENVELOPE: ReadonlySet<string> = new Set([
  'client_id',
  'app_instance_id',
  'user_id',
  'timestamp_micros',
  'events',
  'ip_override',
  'user_agent',
  'device',
  'user_location',
]);
const EVENT: ReadonlySet<string> = new Set(['name', 'params', 'timestamp_micros']);
const PLACED: ReadonlySet<string> = new Set(['session_id', 'ga_session_id']);

function mapGa4(head: RequestHead, body: Buffer): MappedEvents | Problem {
  const parsed = parseJson(body);
  if (parsed instanceof Problem) return parsed;
  const root = fieldsOf(parsed.value);
  const events = root?.['events'];
  if (root === undefined || !Array.isArray(events)) {
    return new Problem('PS_BODY_NOT_EVENTS', 'Send {"client_id": …, "events": […]}');
  }
  const common = commonOf(root, head);
  return { items: events.map((event) => mapEvent(event, common)), writeKey: textOf(head.query['api_secret']) };
}

interface Common {
  readonly fields: Omit<NativeEvent, 'type'>;
  readonly properties: Fields;
  readonly timestampMicros: unknown;
}

function commonOf(root: Fields, { query }: RequestHead): Common {
  const device = fieldsOf(root['device']);
  const location = fieldsOf(root['user_location']);
  return {
    fields: {
      anonymousId: root['client_id'] ?? root['app_instance_id'],
      userId: root['user_id'],
      consent: consentOf(root['consent']),
      context: contextOf({
        ip: root['ip_override'],
        userAgent: root['user_agent'],
        device: device?.['category'],
        locale: device?.['language'],
        country: location?.['country_id'],
      }),
    },
    properties: {
      ...without(root, ENVELOPE),
      ...compact({ measurement_id: query['measurement_id'], firebase_app_id: query['firebase_app_id'] }),
      ...compact({ device, user_location: location }),
    },
    timestampMicros: root['timestamp_micros'],
  };
}

function mapEvent(value: unknown, common: Common): unknown {
  const event = fieldsOf(value);
  if (event === undefined) return reject('not_an_object', '');
  const params = fieldsOf(event['params']);
  const properties = { ...common.properties, ...without(event, EVENT), ...without(params, PLACED) };
  return {
    ...common.fields,
    context: compact({
      ...fieldsOf(common.fields.context),
      campaign: campaignOfUrl(textOf(params?.['page_location'])),
    }),
    type: event['name'],
    // No field of the protocol, but what people send when they want their orders and events once.
    id: textOf(params?.['event_id']),
    occurredAt: millisecondsOf(event['timestamp_micros'] ?? common.timestampMicros),
    sessionId: params?.['session_id'] ?? params?.['ga_session_id'],
    properties: propertiesOr(event['params'], properties),
  } satisfies NativeEvent;
}

function millisecondsOf(micros: unknown): unknown {
  const number = typeof micros === 'string' && /^\d{1,18}$/.test(micros) ? Number(micros) : micros;
  return typeof number === 'number' ? Math.floor(number / 1000) : number;
}

/** What `/debug/mp/collect` says of each fault: where it is, in the protocol's own names, and what is wrong. */
interface ValidationMessage {
  readonly fieldPath: string;
  readonly description: string;
  readonly validationCode: string;
}

const CODES: ReadonlyMap<string | undefined, string> = new Map([
  ['required', 'VALUE_REQUIRED'],
  ['too_long', 'VALUE_OUT_OF_BOUNDS'],
  ['out_of_range', 'VALUE_OUT_OF_BOUNDS'],
  ['too_large', 'EXCEEDED_MAX_ENTITIES'],
]);

/** The protocol's names of native fields that are not called so. */
const FIELD_PATHS: ReadonlyMap<string, string> = new Map([
  ['/type', 'name'],
  ['/occurredAt', 'timestamp_micros'],
  ['/anonymousId', 'client_id'],
  ['/userId', 'user_id'],
  ['/sessionId', 'params.session_id'],
  ['/id', 'params.event_id'],
]);
const OF_REQUEST: ReadonlySet<string> = new Set(['client_id', 'user_id']);

function validationMessagesOf(results: readonly EventResult[]): readonly ValidationMessage[] {
  return results.flatMap(({ outcome, reason, path = '' }, index) => {
    if (outcome !== 'rejected') return [];
    const field =
      FIELD_PATHS.get(path) ??
      path
        .slice(1)
        .replace(/^properties/, 'params')
        .replaceAll('/', '.');
    const fieldPath = OF_REQUEST.has(field) ? field : `events[${index}]${field === '' ? '' : `.${field}`}`;
    return [
      { fieldPath, description: `${fieldPath}: ${reason}`, validationCode: CODES.get(reason) ?? 'VALUE_INVALID' },
    ];
  });
}

export const ga4: Protocol = {
  name: 'ga4',
  routes: [
    {
      method: 'POST',
      paths: ['/mp/collect'],
      map: mapGa4,
      // Google answers 204 whatever it is sent; here the sender learns what was refused.
      answer: (results) => replyOf(results, { status: 'ok' }),
    },
    {
      method: 'POST',
      paths: ['/debug/mp/collect'],
      map: (head, body) => {
        const mapped = mapGa4(head, body);
        return mapped instanceof Problem ? mapped : { ...mapped, isDryRun: true };
      },
      answer: (results) => jsonReply({ validationMessages: validationMessagesOf(results) }),
      refuse: (problem) =>
        jsonReply(
          { validationMessages: [{ fieldPath: '', description: problem.detail, validationCode: problem.code }] },
          problem.status,
        ),
    },
  ],
};
