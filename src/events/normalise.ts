import type { IdSource } from '../shared/ids.js';
import { type Commerce, readCommerce } from './commerce.js';
import { readConsent } from './consent.js';
import { createContextReader } from './context.js';
import { type Fields, type NativeInput, readFields, readIdentifier, readText, sortFields } from './input.js';
import { findFault } from './json.js';
import type { Consent, DeviceType, EventContext, Page } from './model.js';
import { readPage } from './page.js';
import { pointerToken, Rejection, reject } from './rejection.js';
import { createTimeFormatter, createTimeParser, isWritableTime, type TimeParser } from './time.js';

/** What an event takes from the request that carries it. */
export interface EventRequest {
  readonly receivedAtMs: number;
  /** `sentAt` of the whole body as it was sent, for events that have none of their own. */
  readonly sentAt?: unknown;
  readonly context: EventContext;
}

/** A sound event, in the shape that it is written in. */
export interface NormalisedEvent {
  readonly id: string;
  /** The sender gave the id, so the event may be sent twice with it. */
  readonly idGiven: boolean;
  readonly type: string;
  readonly time: string;
  readonly anonymousId: string | undefined;
  readonly userId: string | undefined;
  readonly sessionId: string | undefined;
  readonly page: Page | undefined;
  readonly properties: Fields | undefined;
  /** The event's own context, or undefined when it is just the request's. */
  readonly context: EventContext | undefined;
  readonly consent: Consent | undefined;
  readonly occurredAt: string | undefined;
  readonly sentAt: string | undefined;
  readonly timeClamped: boolean;
  readonly commerce: Commerce | undefined;
}

export interface NormaliserDeps {
  readonly ids: IdSource;
  readonly deviceOf: (userAgent: string) => DeviceType;
}

export interface NormaliserOptions {
  /** Most levels of nesting, the event itself being the first. */
  readonly depth: number;
}

const TYPE = /^[a-zA-Z0-9_.:-]{1,100}$/;
const MAX_ID_LENGTH = 256;

/** A time further ahead of the gateway's clock than this is not believed. */
const MAX_AHEAD_MS = 5 * 60_000;

/** Judges parsed values against the native schema and brings them into one form. Pure but for the ids it draws. */
export function createNormaliser(deps: NormaliserDeps, options: NormaliserOptions) {
  const readContext = createContextReader(deps.deviceOf);
  const times: Times = {
    parseOccurredAt: createTimeParser(),
    parseSentAt: createTimeParser(),
    format: createTimeFormatter(),
  };

  return function normalise(raw: unknown, request: EventRequest): NormalisedEvent | Rejection {
    const input = sortFields(raw);
    if (input instanceof Rejection) return input;

    const { type } = input;
    if (typeof type !== 'string') return reject(type === undefined ? 'required' : 'invalid_type', '/type');
    if (!TYPE.test(type)) return reject('invalid_format', '/type');

    const id = readText(input.id, MAX_ID_LENGTH, '/id');
    if (id instanceof Rejection) return id;
    const anonymousId = readIdentifier(input.anonymousId, MAX_ID_LENGTH, '/anonymousId');
    if (anonymousId instanceof Rejection) return anonymousId;
    const userId = readIdentifier(input.userId, MAX_ID_LENGTH, '/userId');
    if (userId instanceof Rejection) return userId;
    const sessionId = readIdentifier(input.sessionId, MAX_ID_LENGTH, '/sessionId');
    if (sessionId instanceof Rejection) return sessionId;

    const moment = readMoment(input, request, times);
    if (moment instanceof Rejection) return moment;

    const sent = readFields(input.properties, options.depth - 1, '/properties');
    if (sent instanceof Rejection) return sent;
    const page = readPage(input, sent, options.depth - 2);
    if (page instanceof Rejection) return page;
    const context = input.context === undefined ? undefined : readContext(input, request.context, options.depth - 2);
    if (context instanceof Rejection) return context;
    const consent = input.consent === undefined ? undefined : readConsent(input.consent);
    if (consent instanceof Rejection) return consent;
    const properties = withExtra(sent, input.extra, options.depth - 1);
    if (properties instanceof Rejection) return properties;
    const commerce =
      properties === undefined && !NEEDS_PROPERTIES.has(type)
        ? undefined
        : readCommerce(type, properties ?? {}, userId);
    if (commerce instanceof Rejection) return commerce;

    return {
      id: id ?? deps.ids.next(request.receivedAtMs),
      idGiven: id !== undefined,
      type,
      anonymousId,
      userId,
      sessionId,
      page,
      properties,
      context,
      consent,
      commerce,
      time: moment.time,
      timeClamped: moment.timeClamped,
      occurredAt: moment.occurredAt,
      sentAt: moment.sentAt,
    };
  };
}

const NEEDS_PROPERTIES: ReadonlySet<string> = new Set(['purchase', 'refund', 'churn_scored']);

interface Times {
  /** One for each clock reading: each remembers the minute that it read last. */
  readonly parseOccurredAt: TimeParser;
  readonly parseSentAt: TimeParser;
  readonly format: (timeMs: number) => string;
}

type Moment = Pick<NormalisedEvent, 'time' | 'timeClamped' | 'occurredAt' | 'sentAt'>;

/**
 * When it happened by the gateway's clock. The client's clock may be wrong by years, but it is wrong alike at both of
 * its readings: only the time between them is taken from it.
 */
function readMoment(input: NativeInput, request: EventRequest, times: Times): Moment | Rejection {
  const sentAt = input.sentAt ?? request.sentAt;
  const occurredAtMs = input.occurredAt === undefined ? undefined : times.parseOccurredAt(input.occurredAt);
  if (occurredAtMs === undefined && input.occurredAt !== undefined)
    return faultOfTime(input.occurredAt, input.occurredAtPath);
  const sentAtMs = sentAt === undefined ? undefined : times.parseSentAt(sentAt);
  if (sentAtMs === undefined && sentAt !== undefined) return faultOfTime(sentAt, '/sentAt');

  let timeMs = request.receivedAtMs;
  let timeClamped = false;
  if (occurredAtMs !== undefined) {
    timeMs = sentAtMs === undefined ? occurredAtMs : request.receivedAtMs - (sentAtMs - occurredAtMs);
    timeClamped = timeMs > request.receivedAtMs + MAX_AHEAD_MS;
    if (timeClamped) timeMs = request.receivedAtMs;
    else if (!isWritableTime(timeMs)) return reject('out_of_range', input.occurredAtPath);
  }
  return {
    time: times.format(timeMs),
    timeClamped,
    occurredAt: asSent(input.occurredAt, occurredAtMs, times),
    sentAt: asSent(sentAt, sentAtMs, times),
  };
}

function faultOfTime(value: unknown, path: string): Rejection {
  return reject(typeof value === 'string' || typeof value === 'number' ? 'invalid_format' : 'invalid_type', path);
}

function asSent(value: unknown, timeMs: number | undefined, times: Times): string | undefined {
  if (timeMs === undefined) return undefined;
  return typeof value === 'string' ? value : times.format(timeMs);
}

/** Fields of the event that Penstock does not know become properties; a property of the same name wins. */
function withExtra(
  properties: Fields | undefined,
  extra: Record<string, unknown> | undefined,
  depth: number,
): Fields | undefined | Rejection {
  if (extra === undefined) return properties;
  for (const key in extra) {
    const fault = findFault(extra[key], depth - 1, pointerToken(key));
    if (fault) return fault;
  }
  return { ...extra, ...properties };
}
