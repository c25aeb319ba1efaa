import { quote } from '../../events/index.js';
import type { Hash64 } from '../../shared/siphash.js';
import { type Entry, NO_PARTITION } from './entry.js';
import { type Fingerprints, looksMade } from './fingerprint.js';
import { type KnownDestination, type Memory, ORDERED } from './memory.js';

/** What is remembered of one event, or of one attempt to send it. */
export interface Remembered {
  readonly source: string;
  /** The id that it was sent with; of a look-up by an order, of the event that told of it first, where that is known. */
  readonly id?: string;
  /** `accepted`, `duplicate`, `rejected` or `dropped`. */
  readonly outcome: string;
  /** Of what is accepted: where it was durable then, `broker` or `spool`. */
  readonly reason: string;
  readonly atMs: number;
  readonly receivedAtMs: number;
  /** Such as `hub:clicks`; of accepted events only. */
  readonly destination?: string;
  readonly partition?: number;
  /** Of a purchase or refund: the key of its message, where it is still known. */
  readonly order?: string;
  /** It is a purchase or refund, whose message is known by another key than its id. */
  readonly hasOrder?: true;
  /** Of a duplicate: the event that was accepted. */
  readonly of?: { readonly id?: string; readonly atMs: number };
}

/** Enough to see what a client does that sends the same thing again and again. */
const MAX_FOUND = 20;

/** Everything that is remembered of an id, or of the key of an order (`purchase:T1`), of whichever source; the newest first. */
export function search(memory: Memory, id: string, nowMs: number): Remembered[] {
  const found: Remembered[] = [];
  for (const source of memory.sources.keys()) {
    const of = searchSource(memory, source, nowMs);
    const tell = (entry: Entry, more: Partial<Remembered>) =>
      found.push({ source, ...describe(memory, entry), ...more });
    const order = of.orderOf(id);
    for (const { entry, name } of of.accepted(quote(id)))
      tell(entry, { id, destination: name, ...(order === undefined ? {} : { order }) });
    for (const { entry, name } of of.accepted(id)) tell(entry, { ...of.firstOf(id), destination: name, order: id });
    for (const entry of of.recent(id)) {
      const name = [...memory.destinations.keys()][entry.sink];
      tell(entry, {
        id,
        ...(name === undefined ? {} : { destination: name }),
        ...(order === undefined ? {} : { order }),
        ...(memory.fateOf(entry.what).startsWith('duplicate') ? of.first(id, order) : {}),
      });
    }
  }
  return found.sort((a, b) => b.atMs - a.atMs).slice(0, MAX_FOUND);
}

function describe(memory: Memory, { what, atMs, tookMs, partition }: Entry) {
  const fate = memory.fateOf(what);
  const [outcome = '', reason = ''] = fate.split(' ', 2);
  const place = partition === NO_PARTITION ? {} : { partition };
  const ordered = fate.endsWith(ORDERED) ? { hasOrder: true as const } : {};
  return { outcome, reason, atMs, receivedAtMs: atMs - tookMs, ...place, ...ordered };
}

function searchSource(memory: Memory, source: string, nowMs: number) {
  const fingerprints = memory.sources.get(source) as Fingerprints;
  const copyOf = ({ high, low }: Hash64): Hash64 => ({ high, low });
  const accepted = (text: string): { entry: Entry; name: string }[] => {
    const hash = copyOf(fingerprints.of(text));
    return [...memory.destinations.values()].flatMap(({ name, mask }: KnownDestination) => {
      const entry = memory.known.find(hash.high ^ mask.high, hash.low ^ mask.low, nowMs);
      return entry === undefined ? [] : [{ entry, name }];
    });
  };
  /** The id of the event that told of an order first. */
  const firstOf = (order: string): { readonly id?: string } => {
    const idJson = memory.orders.firstOf(source, order);
    return idJson === undefined ? {} : { id: JSON.parse(idJson) as string };
  };
  return {
    accepted,
    firstOf,
    orderOf: (id: string) => memory.orders.orderOf(source, quote(id)),
    recent(id: string): Entry[] {
      const idJson = quote(id);
      const { high, low } = fingerprints.of(idJson);
      const found = memory.recent.find(high | 0, low | 0, MAX_FOUND);
      if (!looksMade(idJson)) return found;
      const made = fingerprints.ofMade(idJson);
      return [...found, ...memory.recent.find(made.high, made.low, MAX_FOUND)];
    },
    /** The event that a duplicate is one of: by its id, or else by its order. */
    first(id: string, order: string | undefined): Pick<Remembered, 'of'> {
      const [same] = accepted(quote(id));
      if (same !== undefined) return { of: { id, atMs: same.entry.atMs } };
      const [told] = order === undefined ? [] : accepted(order);
      if (told === undefined || order === undefined) return {};
      return { of: { ...firstOf(order), atMs: told.entry.atMs } };
    },
  };
}
