import type { Hash64 } from '../../shared/siphash.js';
import { AT_BROKER, IN_SPOOL } from '../pipeline/fate.js';
import { createFingerprints, createMask, type FingerprintKey, type Fingerprints } from './fingerprint.js';
import { createKnownIds, type KnownIds } from './known-ids.js';
import { createOrders, type Orders } from './orders.js';
import { createRecent, type Recent } from './recent.js';

export interface RecallOptions {
  /** Most ids of accepted events that are known. */
  readonly ids: number;
  /** How long they are. */
  readonly ageMs: number;
  /** Most other events whose fate can be looked up. */
  readonly events: number;
}

/** The names that events are known under, as the configuration has them. */
export interface RecallNames {
  readonly sources: readonly string[];
  /** Such as `hub:clicks`. */
  readonly destinations: readonly string[];
}

export interface KnownDestination {
  readonly name: string;
  readonly number: number;
  readonly mask: Readonly<Hash64>;
}

/** What the gateway remembers of events, without a clock or a disk. */
export interface Memory {
  readonly known: KnownIds;
  readonly recent: Recent;
  readonly orders: Orders;
  readonly sources: ReadonlyMap<string, Fingerprints>;
  readonly destinations: ReadonlyMap<string, KnownDestination>;
  /** A number for a fate, and back. */
  codeOf(fate: string): number;
  fateOf(code: number): string;
}

export const CODE_AT_BROKER = 0;
export const CODE_IN_SPOOL = 1;
/** Added to the code of an accepted order. Numbers that files keep: they stay what they are. */
export const CODE_ORDERED = 2;
export const ORDERED = ' order';
/** Above all numbers of destinations. */
export const NO_DESTINATION = 0xff;
/** Orders whose texts are kept. */
const MAX_ORDERS = 32_768;

export function createMemory(key: FingerprintKey, names: RecallNames, options: RecallOptions): Memory {
  const fates = [AT_BROKER, IN_SPOOL, AT_BROKER + ORDERED, IN_SPOOL + ORDERED];
  const codes = new Map(fates.map((fate, code) => [fate, code]));
  return {
    known: createKnownIds({ capacity: options.ids, ageMs: options.ageMs }),
    recent: createRecent(options.events),
    orders: createOrders(MAX_ORDERS),
    sources: new Map(names.sources.map((source) => [source, createFingerprints(key, source)])),
    destinations: new Map(
      names.destinations.map((name, number) => [name, { name, number, mask: createMask(key, name) }]),
    ),
    codeOf(fate) {
      const known = codes.get(fate);
      if (known !== undefined) return known;
      codes.set(fate, fates.length);
      return fates.push(fate) - 1;
    },
    fateOf: (code) => fates[code] ?? '',
  };
}
