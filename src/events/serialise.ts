import { remember } from '../shared/remember.js';
import { escaped, quote } from './json.js';
import type { EventContext, Page } from './model.js';
import type { NormalisedEvent } from './normalise.js';
import { createTimeFormatter } from './time.js';

/** What all events of one request have in common, already written as JSON. */
export interface Envelope {
  readonly source: string;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  readonly head: string;
  readonly context: string;
  readonly tail: string;
  /** No string of the request's events needs an escape. */
  readonly isPlain: boolean;
}

export interface EnvelopeInput {
  readonly source: string;
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  readonly context: EventContext;
  readonly receivedAtMs: number;
  /** The events were read from JSON in which no string needs an escape: see isPlainJson. */
  readonly isPlain?: boolean | undefined;
}

/** There are few sources. */
const headOf = remember((source: string) => `{"specversion":"1.0","source":${quote(source)},`, 1_000);
const formatTime = createTimeFormatter();

export function createEnvelope(input: EnvelopeInput): Envelope {
  // CloudEvents' extension for distributed tracing.
  const traceparent = input.traceparent === undefined ? '' : `"traceparent":${quote(input.traceparent)},`;
  const tracestate = input.tracestate === undefined ? '' : `"tracestate":${quote(input.tracestate)},`;
  return {
    source: input.source,
    traceparent: input.traceparent,
    tracestate: input.tracestate,
    head: `${headOf(input.source)}${traceparent}${tracestate}"id":"`,
    context: rememberedContextJson(input.context),
    tail: `,"receivedAt":"${formatTime(input.receivedAtMs)}"}}`,
    isPlain: input.isPlain === true,
  };
}

/**
 * The CloudEvents 1.0 JSON text of an event (CloudEvents JSON event format, section 2). It is put together from pieces,
 * since most of them are known for the whole request and most strings need no escape: half the cost of building an
 * object only to walk it again. Of as few pieces as there can be, because each costs once more when the text is written.
 */
export function serialise(event: NormalisedEvent, envelope: Envelope): string {
  const { isPlain } = envelope;
  const anonymousId = event.anonymousId === undefined ? undefined : escaped(event.anonymousId, isPlain);
  const userId = event.userId === undefined ? undefined : escaped(event.userId, isPlain);
  const subject = userId ?? anonymousId;
  let json = `${envelope.head}${escaped(event.id, isPlain)}","type":"${event.type}","time":"${event.time}`;
  if (subject !== undefined) json += `","subject":"${subject}`;
  json += '","data":{"context":';
  json += event.context === undefined ? envelope.context : rememberedContextJson(event.context);
  if (anonymousId !== undefined) json += `,"anonymousId":"${anonymousId}"`;
  if (userId !== undefined) json += `,"userId":"${userId}"`;
  if (event.sessionId !== undefined) json += `,"sessionId":"${escaped(event.sessionId, isPlain)}"`;
  if (event.consent !== undefined) json += `,"consent":${JSON.stringify(event.consent)}`;
  if (event.page !== undefined) json += pageJson(event.page, isPlain);
  if (event.properties !== undefined) json += `,"properties":${JSON.stringify(event.properties)}`;
  if (event.occurredAt !== undefined) json += `,"occurredAt":"${event.occurredAt}"`;
  if (event.sentAt !== undefined) json += `,"sentAt":"${event.sentAt}"`;
  if (event.timeClamped) json += ',"timeClamped":true';
  return json + envelope.tail;
}

/** With its key. A page that is there has at least one field. */
function pageJson({ url, path, title, referrer }: Page, isPlain: boolean): string {
  let json = '';
  if (url !== undefined) json = `,"page":{"url":"${escaped(url, isPlain)}`;
  if (path !== undefined) json += `${json === '' ? ',"page":{' : '",'}"path":"${escaped(path, isPlain)}`;
  if (title !== undefined) json += `${json === '' ? ',"page":{' : '",'}"title":"${escaped(title, isPlain)}`;
  if (referrer !== undefined) json += `${json === '' ? ',"page":{' : '",'}"referrer":"${escaped(referrer, isPlain)}`;
  return `${json}"}`;
}

let lastContext: EventContext | undefined;
let lastContextJson = '';

/** The events of a request mostly share one context object: see createContextReader. */
function rememberedContextJson(context: EventContext): string {
  if (context !== lastContext) {
    lastContextJson = contextJson(context);
    lastContext = context;
  }
  return lastContextJson;
}

function contextJson({ ip, country, device, bot, locale, campaign }: EventContext): string {
  let json = '';
  if (ip !== undefined) json = `{"ip":"${ip}"`;
  if (country !== undefined) json += `${json === '' ? '{' : ','}"country":"${country}"`;
  if (device !== undefined) json += `${json === '' ? '{' : ','}"device":"${device}"`;
  if (bot === true) json += `${json === '' ? '{' : ','}"bot":true`;
  if (locale !== undefined) json += `${json === '' ? '{' : ','}"locale":${quote(locale)}`;
  if (campaign !== undefined) json += `${json === '' ? '{' : ','}"campaign":${JSON.stringify(campaign)}`;
  return json === '' ? '{}' : `${json}}`;
}
