import {
  createTopicMessage,
  type Envelope,
  type EventRequest,
  type NormalisedEvent,
  partitionKeyOf,
  quote,
  Rejection,
  type Router,
  reject,
  serialise,
} from '../../events/index.js';
import type { WatchVisitor } from '../policy/hot-visitors.js';
import type { OutgoingEvent, Sink } from '../publish/sink.js';
import { Dropped, type DropReason } from './dropped.js';
import type { JudgeEvent } from './judge.js';

/** What became of one event of a body before anything was sent. `idJson` is its id as JSON text, or `null`. */
export type Prepared =
  /** It is sent; this is its id as JSON text. The rule, so it costs no object. */
  | string
  /** The same event as an earlier one of this body: it shares that one's fate. */
  | { readonly kind: 'repeated'; readonly idJson: string; readonly of: number }
  /** The same event, or order, as one that was accepted before. */
  | { readonly kind: 'known'; readonly idJson: string }
  | { readonly kind: 'rejected'; readonly idJson: string; readonly rejection: Rejection }
  /** Sound, but the policy of its source does not keep it. */
  | { readonly kind: 'dropped'; readonly idJson: string; readonly reason: DropReason };

/** What is undefined is not in use by the source, and costs nothing. */
export interface PrepareRequest extends EventRequest {
  /** See ParsedBody. Then no event has to be measured, which takes some tenths of a microsecond. */
  readonly isAscii?: boolean | undefined;
  readonly judge?: JudgeEvent | undefined;
  readonly watch?: WatchVisitor | undefined;
  readonly takeQuota?: ((nowMs: number) => boolean) | undefined;
  /** What is known of events that were accepted before. */
  readonly visit?: KnownEvents | undefined;
}

export interface KnownEvents {
  /**
   * Whether this event, or its order, is durable where it goes already. If not, it is noted: it is known once it is
   * durable itself, and not before.
   */
  isKnown(event: NormalisedEvent, place: EventPlace): boolean;
}

export interface EventPlace {
  readonly idJson: string;
  readonly sink: { readonly name: string };
  /** Of the event in its request. */
  readonly index: number;
}

export interface Batch {
  readonly entries: readonly Prepared[];
  readonly outgoing: ReadonlyMap<Sink, readonly OutgoingEvent[]>;
}

export interface PrepareDeps {
  readonly normalise: (raw: unknown, request: EventRequest) => NormalisedEvent | Rejection;
  readonly router: Router;
  /** By destination (`hub:clicks`). */
  readonly sinks: ReadonlyMap<string, Sink>;
}

export interface PrepareOptions {
  /** Largest event, as the JSON that is sent on. */
  readonly eventBytes: number;
}

/** Judges, writes and routes the events of one body; finds those that it holds twice. */
export function createPrepare(deps: PrepareDeps, options: PrepareOptions) {
  const sinkOf = (type: string): Sink | undefined => {
    const destination = deps.router.route(type);
    return destination && deps.sinks.get(`${destination.kind}:${destination.name}`);
  };

  return function prepare(items: readonly unknown[], request: PrepareRequest, envelope: Envelope): Batch {
    const entries: Prepared[] = [];
    const outgoing = new Map<Sink, OutgoingEvent[]>();
    const seen = items.length > 1 ? createSeen() : undefined;
    for (let index = 0; index < items.length; index++) entries.push(prepareOne(items[index], index));
    if (items.length > 1) compactIds(entries);
    return { entries, outgoing };

    function prepareOne(item: unknown, index: number): Prepared {
      const sound = item instanceof Rejection ? item : deps.normalise(item, request);
      if (sound instanceof Rejection) return { kind: 'rejected', idJson: idOf(item), rejection: sound };
      const idJson = quote(sound.id, envelope.isPlain);
      // Before anything of it is written down.
      const event = request.judge === undefined ? sound : request.judge(sound, item);
      if (event instanceof Dropped) return { kind: 'dropped', idJson, reason: event.reason };
      if (event instanceof Rejection) return { kind: 'rejected', idJson, rejection: event };
      const sink = sinkOf(event.type);
      if (sink === undefined) return { kind: 'rejected', idJson, rejection: reject('no_route', '/type') };
      const of = seen?.indexOf(event, sink);
      if (of !== undefined) return { kind: 'repeated', idJson, of };
      if (request.visit?.isKnown(event, { idJson, sink, index })) return { kind: 'known', idJson };
      const json = serialise(event, envelope);
      const bytes = request.isAscii === true ? json.length : Buffer.byteLength(json);
      if (bytes > options.eventBytes) return { kind: 'rejected', idJson, rejection: reject('too_large', '') };
      const partitionKey = partitionKeyOf(event, event.id);
      if (sink.kind === 'hub' && request.watch?.(partitionKey, event.id) === false)
        return { kind: 'dropped', idJson, reason: 'hot_visitor' };
      if (request.takeQuota?.(request.receivedAtMs) === false) return { kind: 'dropped', idJson, reason: 'quota' };
      // Only what is sent can have a duplicate: an event that was refused is nowhere.
      seen?.add(event, sink, index);
      const message = sink.kind === 'topic' ? createTopicMessage(event, json, envelope, request.context) : undefined;
      const outgoingEvent = { json, heldBytes: heldBytesOf(json, bytes, sink), partitionKey, message, index };
      const events = outgoing.get(sink);
      if (events === undefined) outgoing.set(sink, [outgoingEvent]);
      else events.push(outgoingEvent);
      return idJson;
    }
  };
}

/**
 * For a hub an event waits as UTF-8 (see createPacker). A message waits as a text, of which V8 keeps each character in two
 * bytes when a single one is beyond Latin-1.
 */
function heldBytesOf(json: string, bytes: number, { kind }: Sink): number {
  return kind === 'hub' || bytes === json.length ? bytes : Math.max(bytes, 2 * json.length);
}

/**
 * Makes the ids of the events that are sent views of one text. They are all that a request has for each of its events
 * while it waits for a broker, and as they were put together each is a tree of texts: garbage collection would move
 * hundreds of objects for a batch, again and again.
 */
function compactIds(entries: Prepared[]): void {
  const text = entries.filter((entry) => typeof entry === 'string').join('');
  let at = 0;
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] as Prepared;
    if (typeof entry !== 'string') continue;
    entries[index] = text.slice(at, at + entry.length);
    at += entry.length;
  }
}

/** Which events of a body have been taken so far, by where they go and the ids and business keys that their senders gave. */
function createSeen() {
  const bySink = new Map<Sink, ReturnType<typeof createSeenAt>>();
  return {
    /** The index of an earlier event with the same id or the same business key. */
    indexOf: (event: NormalisedEvent, sink: Sink): number | undefined => bySink.get(sink)?.indexOf(event),
    add(event: NormalisedEvent, sink: Sink, index: number): void {
      let seen = bySink.get(sink);
      if (seen === undefined) {
        seen = createSeenAt();
        bySink.set(sink, seen);
      }
      seen.add(event, index);
    },
  };
}

function createSeenAt() {
  const byId = new Map<string, number>();
  const byBusinessKey = new Map<string, number>();
  return {
    indexOf(event: NormalisedEvent): number | undefined {
      const earlier = event.idGiven ? byId.get(event.id) : undefined;
      const key = event.commerce?.businessKey;
      return earlier ?? (key === undefined ? undefined : byBusinessKey.get(key));
    },
    add(event: NormalisedEvent, index: number): void {
      if (event.idGiven) byId.set(event.id, index);
      const key = event.commerce?.businessKey;
      if (key !== undefined) byBusinessKey.set(key, index);
    },
  };
}

const MAX_ECHOED_ID_LENGTH = 256;

/** The id of an event that was refused, so far as it has one: a client finds its event by it. */
function idOf(item: unknown): string {
  const id = item !== null && typeof item === 'object' && 'id' in item ? item.id : undefined;
  return typeof id === 'string' && id !== '' && id.length <= MAX_ECHOED_ID_LENGTH ? quote(id) : 'null';
}
