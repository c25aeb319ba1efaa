import type { EventContext, PenstockEvent } from '../../events/index.js';
import { NONE } from './json-scan.js';
import { createRecall, readText, type Text } from './recall.js';

type Data = PenstockEvent['data'];
type Page = NonNullable<Data['page']>;
/** All fields, those that are absent as undefined. */
type Fields<T> = { readonly [Field in keyof T]-?: T[Field] | undefined };

/** Where an event and its values begin and end in its pack: NONE for those that are absent. */
export interface Places {
  from: number;
  to: number;
  id: number;
  idEnd: number;
  type: number;
  typeEnd: number;
  time: number;
  timeEnd: number;
  anonymousId: number;
  anonymousIdEnd: number;
  userId: number;
  userIdEnd: number;
  page: number;
  path: number;
  pathEnd: number;
  properties: number;
  propertiesEnd: number;
  receivedAt: number;
  receivedAtEnd: number;
}

const recall = createRecall();
const recallIfThere = (text: Text, from: number, to: number): string | undefined =>
  from === NONE ? undefined : recall(text, from, to);

/**
 * An event of a pack, of which little more is made than what somebody asks for: most figures need a fifth of it. It
 * gives what JSON.parse would give. It holds on to its whole pack, so nothing keeps it for long; what it gives does not.
 */
export class PackedEvent implements Fields<Omit<PenstockEvent, 'data'>> {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly data: PackedData;

  constructor(text: Text, places: Places, context: EventContext) {
    this.id = readText(text, places.id, places.idEnd);
    this.type = recall(text, places.type, places.typeEnd);
    this.time = recall(text, places.time, places.timeEnd);
    this.data = new PackedData(text, places, context);
  }

  get specversion() {
    return this.data.whole.specversion;
  }
  get source() {
    return this.data.whole.source;
  }
  get subject() {
    return this.data.whole.subject;
  }
  get traceparent() {
    return this.data.whole.traceparent;
  }
  get tracestate() {
    return this.data.whole.tracestate;
  }
}

class PackedData implements Fields<Omit<Data, 'page'>> {
  readonly anonymousId: string | undefined;
  readonly userId: string | undefined;
  readonly context: EventContext;
  readonly page: PackedPage | undefined;
  readonly receivedAt: string;
  readonly #text: Text;
  readonly #from: number;
  readonly #to: number;
  readonly #properties: number;
  readonly #propertiesEnd: number;
  #parsed: Data['properties'] = undefined;
  #whole: PenstockEvent | undefined = undefined;

  constructor(text: Text, places: Places, context: EventContext) {
    this.anonymousId = recallIfThere(text, places.anonymousId, places.anonymousIdEnd);
    this.userId = recallIfThere(text, places.userId, places.userIdEnd);
    this.context = context;
    this.page =
      places.page === NONE ? undefined : new PackedPage(this, recallIfThere(text, places.path, places.pathEnd));
    this.receivedAt = recall(text, places.receivedAt, places.receivedAtEnd);
    this.#text = text;
    this.#from = places.from;
    this.#to = places.to;
    this.#properties = places.properties;
    this.#propertiesEnd = places.propertiesEnd;
  }

  /** The event as JSON.parse gives it. */
  get whole(): PenstockEvent {
    this.#whole ??= parseAt<PenstockEvent>(this.#text, this.#from, this.#to);
    return this.#whole;
  }
  get properties(): Data['properties'] {
    if (this.#properties === NONE) return undefined;
    this.#parsed ??= parseAt<NonNullable<Data['properties']>>(this.#text, this.#properties, this.#propertiesEnd);
    return this.#parsed;
  }
  get sessionId() {
    return this.whole.data.sessionId;
  }
  get consent() {
    return this.whole.data.consent;
  }
  get occurredAt() {
    return this.whole.data.occurredAt;
  }
  get sentAt() {
    return this.whole.data.sentAt;
  }
  get timeClamped() {
    return this.whole.data.timeClamped;
  }
}

class PackedPage implements Fields<Page> {
  readonly path: string | undefined;
  readonly #data: PackedData;

  constructor(data: PackedData, path: string | undefined) {
    this.#data = data;
    this.path = path;
  }

  get url() {
    return this.#data.whole.data.page?.url;
  }
  get title() {
    return this.#data.whole.data.page?.title;
  }
  get referrer() {
    return this.#data.whole.data.page?.referrer;
  }
}

export function parseAt<T>({ bytes }: Text, from: number, to: number): T {
  return JSON.parse(bytes.toString('utf8', from, to)) as T;
}
