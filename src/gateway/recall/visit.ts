import type { NormalisedEvent } from '../../events/index.js';
import type { Clock } from '../../shared/clock.js';
import type { Hash64 } from '../../shared/siphash.js';
import { fateOf } from '../pipeline/fate.js';
import type { EventPlace, KnownEvents, Prepared } from '../pipeline/prepare.js';
import type { Settlements } from '../publish/ticket.js';
import { type Entry, NO_PARTITION } from './entry.js';
import type { Fingerprints } from './fingerprint.js';
import type { Journal } from './journal.js';
import {
  CODE_AT_BROKER,
  CODE_IN_SPOOL,
  CODE_ORDERED,
  type KnownDestination,
  type Memory,
  NO_DESTINATION,
} from './memory.js';

/** What is remembered for the events of one request. */
export interface Visit extends KnownEvents {
  /** Remembers what became of the events; finds those that were accepted by another request meanwhile. */
  settle(entries: readonly Prepared[], settlements: Settlements): Settlements;
}

export interface VisitDeps {
  readonly clock: Clock;
  readonly memory: Memory;
  readonly journal: Pick<Journal, 'append'> | undefined;
}

/** A mark is four numbers in a row: index, destination with a flag, and the halves of a fingerprint. Numbers cost no objects. */
const MARK = 4;
/** It can come twice: the sender gave the id, or it is an order. */
const REPEATABLE = 1 << 8;
/** The event is an order: its message is known by another key than its id. */
const ORDERED = 1 << 9;

/** The key of the order that the event of that index tells of. */
interface NotedOrder {
  readonly index: number;
  readonly order: string;
}

const NONE: ReadonlySet<number> = new Set();

export function createVisit({ clock, memory, journal }: VisitDeps, source: string, receivedAtMs: number): Visit {
  const { known, recent } = memory;
  const fingerprints = memory.sources.get(source) as Fingerprints;
  const marks: number[] = [];
  let orders: NotedOrder[] | undefined;
  let destination: KnownDestination | undefined;

  function markRepeatable(text: string, index: number, to: number): boolean {
    const { mask } = destination as KnownDestination;
    const hash = fingerprints.of(text);
    const high = hash.high ^ mask.high;
    const low = hash.low ^ mask.low;
    marks.push(index, to | REPEATABLE, high, low);
    return known.has(high, low, receivedAtMs);
  }

  function isKnown({ idGiven, commerce }: NormalisedEvent, { idJson, sink, index }: EventPlace): boolean {
    if (destination?.name !== sink.name) destination = memory.destinations.get(sink.name) as KnownDestination;
    const order = commerce?.businessKey;
    const to = order === undefined ? destination.number : destination.number | ORDERED;
    let isOne = false;
    if (idGiven) isOne = markRepeatable(idJson, index, to);
    else marks.push(index, to, 0, 0);
    if (order === undefined) return isOne;
    orders ??= [];
    orders.push({ index, order });
    return markRepeatable(order, index, to) || isOne;
  }

  function settle(entries: readonly Prepared[], settlements: Settlements): Settlements {
    const nowMs = clock.now();
    const entry = entryAt(nowMs, nowMs - receivedAtMs);
    const already = rememberAccepted(entries, settlements, entry);
    const all = already.size === 0 ? settlements : { ...settlements, known: already };
    if (orders !== undefined) noteOrders(orders, entries, all);
    rememberOthers(entries, all, entry);
    return all;
  }

  function rememberAccepted(
    entries: readonly Prepared[],
    { failures, spooled, partitions }: Settlements,
    entry: Entry,
  ): ReadonlySet<number> {
    let already: Set<number> | undefined;
    const [anyFailed, anySpooled] = [failures.size > 0, spooled.size > 0];
    for (let mark = 0; mark < marks.length; mark += MARK) {
      const index = marks[mark] as number;
      const idJson = entries[index];
      if (typeof idJson !== 'string' || (anyFailed && failures.has(index))) continue;
      const to = marks[mark + 1] as number;
      entry.sink = to & 0xff;
      entry.partition = partitions[index] ?? NO_PARTITION;
      entry.what = anySpooled && spooled.has(index) ? CODE_IN_SPOOL : CODE_AT_BROKER;
      if ((to & ORDERED) !== 0) entry.what += CODE_ORDERED;
      if ((to & REPEATABLE) === 0) addRecent(entry, fingerprints.ofMade(idJson));
      else {
        entry.high = marks[mark + 2] as number;
        entry.low = marks[mark + 3] as number;
        if (known.add(entry, entry.atMs)) journal?.append(entry);
        else {
          already ??= new Set();
          already.add(index);
        }
      }
    }
    return already ?? NONE;
  }

  function rememberOthers(entries: readonly Prepared[], settlements: Settlements, entry: Entry): void {
    const { failures, known: already } = settlements;
    const allAccepted = failures.size === 0 && already.size === 0;
    entry.sink = NO_DESTINATION;
    entry.partition = NO_PARTITION;
    for (let index = 0; index < entries.length; index++) {
      const prepared = entries[index] as Prepared;
      const wasSent = typeof prepared === 'string';
      if (wasSent && (allAccepted || !(failures.has(index) || already.has(index)))) continue;
      const idJson = wasSent ? prepared : prepared.idJson;
      if (idJson === 'null') continue;
      entry.what = memory.codeOf(fateOf(prepared, index, settlements));
      addRecent(entry, fingerprints.of(idJson));
    }
  }

  function addRecent(entry: Entry, { high, low }: Hash64): void {
    entry.high = high | 0;
    entry.low = low | 0;
    recent.add(entry);
  }

  /** So that a look-up can name the message of an order, and the event that told of it first. */
  function noteOrders(noted: readonly NotedOrder[], entries: readonly Prepared[], all: Settlements): void {
    for (const { index, order } of noted) {
      const prepared = entries[index] as Prepared;
      const idJson = typeof prepared === 'string' ? prepared : prepared.idJson;
      const isFirst = typeof prepared === 'string' && !all.failures.has(index) && !all.known.has(index);
      memory.orders.note({ source, idJson, order, isFirst });
    }
  }

  return { isKnown, settle };
}

function entryAt(atMs: number, tookMs: number): Entry {
  return { high: 0, low: 0, atMs, tookMs, partition: NO_PARTITION, what: CODE_AT_BROKER, sink: NO_DESTINATION };
}
