import type { EventContext } from '../../events/index.js';
import { byteAt, type Expected, endOf, endOfRepetition, endOfString, endOfValue, expected, NONE } from './json-scan.js';
import { PackedEvent, type Places, parseAt } from './packed-event.js';
import type { Text } from './recall.js';

const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE, COMMA] = [0x5b, 0x5d, 0x7b, 0x7d, 0x2c];

/**
 * Reads a pack as the gateway writes it (`serialise` in events): known members in one order, and nothing between them.
 * Undefined for anything else, such as the JSON of other producers, or none at all: that is for JSON.parse.
 */
export function readPack(bytes: Buffer): readonly PackedEvent[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = { bytes, view };
  const last = bytes.length - 1;
  if (byteAt(view, 0) !== OPEN_LIST || byteAt(view, last) !== CLOSE_LIST) return undefined;
  const events: PackedEvent[] = [];
  places.from = places.context = places.shared = NONE;
  for (let at = 0; at !== last; ) {
    at = findPlaces(text, at + 1);
    if (at !== last && byteAt(view, at) !== COMMA) return undefined;
    events.push(new PackedEvent(text, places, context));
  }
  return events;
}

/**
 * Of the event that was read last. Events of one request have three stretches in common, which then need not be read
 * again: from the beginning to the id, the context, and from `sentAt` to the end (`shared`).
 */
const places = {
  ...{ from: NONE, to: NONE, id: NONE, idEnd: NONE, type: NONE, typeEnd: NONE, time: NONE, timeEnd: NONE },
  ...{ anonymousId: NONE, anonymousIdEnd: NONE, userId: NONE, userIdEnd: NONE },
  ...{ page: NONE, path: NONE, pathEnd: NONE, properties: NONE, propertiesEnd: NONE },
  ...{ receivedAt: NONE, receivedAtEnd: NONE },
  ...{ context: NONE, contextEnd: NONE, shared: NONE },
} satisfies Places & Record<string, number>;
let context: EventContext = {};

const keys = {
  source: expected('{"specversion":"1.0","source":'),
  traceparent: expected(',"traceparent":'),
  tracestate: expected(',"tracestate":'),
  id: expected(',"id":'),
  type: expected(',"type":'),
  time: expected(',"time":'),
  subject: expected(',"subject":'),
  context: expected(',"data":{"context":'),
  anonymousId: expected(',"anonymousId":'),
  userId: expected(',"userId":'),
  sessionId: expected(',"sessionId":'),
  consent: expected(',"consent":'),
  page: expected(',"page":{'),
  url: expected('"url":'),
  path: expected('"path":'),
  title: expected('"title":'),
  referrer: expected('"referrer":'),
  properties: expected(',"properties":'),
  occurredAt: expected(',"occurredAt":'),
  sentAt: expected(',"sentAt":'),
  timeClamped: expected(',"timeClamped":true'),
  receivedAt: expected(',"receivedAt":'),
};

/** Fills `places` for the event that begins at `from`. Returns where it ends, NONE if it is written in another way. */
function findPlaces(text: Text, from: number): number {
  const { view } = text;
  places.id = endOfHead(view, from);
  places.from = from;
  places.idEnd = endOfString(view, places.id);
  places.type = endOf(view, places.idEnd, keys.type);
  places.typeEnd = endOfString(view, places.type);
  places.time = endOf(view, places.typeEnd, keys.time);
  places.timeEnd = endOfString(view, places.time);
  const data = endOf(view, pastText(view, places.timeEnd, keys.subject), keys.context);
  if (data === NONE) return NONE;
  readContext(text, data);
  let at = places.contextEnd;
  places.anonymousId = endOf(view, at, keys.anonymousId);
  if (places.anonymousId !== NONE) at = places.anonymousIdEnd = endOfString(view, places.anonymousId);
  places.userId = endOf(view, at, keys.userId);
  if (places.userId !== NONE) at = places.userIdEnd = endOfString(view, places.userId);
  at = pastText(view, at, keys.sessionId);
  const consent = endOf(view, at, keys.consent);
  if (consent !== NONE) at = endOfObject(view, consent);
  places.page = endOf(view, at, keys.page);
  if (places.page !== NONE) at = endOfPage(view, places.page);
  places.properties = endOf(view, at, keys.properties);
  if (places.properties !== NONE) at = places.propertiesEnd = endOfObject(view, places.properties);
  places.to = endOfTail(view, pastText(view, at, keys.occurredAt));
  return places.to;
}

/** Behind what comes before the id. */
function endOfHead(view: DataView, from: number): number {
  const repeated = endOfRepetition(view, from, places.from, places.id);
  if (repeated !== NONE) return repeated;
  let at = endOfString(view, endOf(view, from, keys.source));
  at = pastText(view, at, keys.traceparent);
  at = pastText(view, at, keys.tracestate);
  return endOf(view, at, keys.id);
}

function readContext(text: Text, from: number): void {
  const { view } = text;
  const repeated = endOfRepetition(view, from, places.context, places.contextEnd);
  places.context = from;
  places.contextEnd = repeated === NONE ? endOfObject(view, from) : repeated;
  if (repeated === NONE && places.contextEnd !== NONE) context = parseAt(text, from, places.contextEnd);
}

/** Behind a page that has its first member at `from`. */
function endOfPage(view: DataView, from: number): number {
  let at = pastMember(view, from, keys.url);
  places.path = at === NONE ? NONE : endOf(view, at, keys.path);
  at = pastMember(view, at, keys.path);
  places.pathEnd = byteAt(view, at - 1) === COMMA ? at - 1 : at;
  at = pastMember(view, at, keys.title);
  at = pastMember(view, at, keys.referrer);
  return byteAt(view, at - 1) !== COMMA && byteAt(view, at) === CLOSE ? at + 1 : NONE;
}

/** Behind a member that may be absent, whose value is a string, and the comma that follows it. */
function pastMember(view: DataView, at: number, name: Expected): number {
  const end = pastText(view, at, name);
  return end !== at && byteAt(view, end) === COMMA ? end + 1 : end;
}

/** Behind what an event has from `sentAt` on. */
function endOfTail(view: DataView, from: number): number {
  const repeated = endOfRepetition(view, from, places.shared, places.to);
  if (repeated !== NONE) {
    const shift = from - places.shared;
    places.receivedAt += shift;
    places.receivedAtEnd += shift;
    places.shared = from;
    return repeated;
  }
  let at = pastText(view, from, keys.sentAt);
  const clamped = endOf(view, at, keys.timeClamped);
  if (clamped !== NONE) at = clamped;
  places.shared = from;
  places.receivedAt = endOf(view, at, keys.receivedAt);
  places.receivedAtEnd = endOfString(view, places.receivedAt);
  const end = places.receivedAtEnd;
  return byteAt(view, end) === CLOSE && byteAt(view, end + 1) === CLOSE ? end + 2 : NONE;
}

/** Behind a member that may be absent, whose value is a string. */
function pastText(view: DataView, at: number, name: Expected): number {
  const value = endOf(view, at, name);
  return value === NONE ? at : endOfString(view, value);
}

const endOfObject = (view: DataView, from: number): number =>
  byteAt(view, from) === OPEN ? endOfValue(view, from) : NONE;
