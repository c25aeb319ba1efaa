import type { WaitingOffer } from './saved.js';

/**
 * Offers that are not known to be on the topic. It is part of the partition's state, so from the event that led to an
 * offer until the topic has settled it there is no moment at which a crash would lose it: before, the event is read
 * again; after, the offer is in the checkpoint.
 */
export interface Outbox {
  /** Where there is no room the oldest leaves: it is the one that is worth the least. */
  add(offer: WaitingOffer): void;
  /** The oldest ones. */
  peek(count: number): readonly WaitingOffer[];
  remove(offers: readonly WaitingOffer[]): void;
  readonly size: number;
  /** How many left since this process has the partition because there was no room. */
  readonly overflowed: number;
}

export function createOutbox(capacity: number, saved: readonly WaitingOffer[] = []): Outbox {
  const waiting = new Set<WaitingOffer>(saved);
  let overflowed = 0;
  return {
    add(offer) {
      waiting.add(offer);
      if (waiting.size <= capacity) return;
      const [oldest] = waiting;
      waiting.delete(oldest as WaitingOffer);
      overflowed++;
    },
    peek(count) {
      const first: WaitingOffer[] = [];
      for (const offer of waiting) {
        if (first.length === count) break;
        first.push(offer);
      }
      return first;
    },
    remove(offers) {
      for (const offer of offers) waiting.delete(offer);
    },
    get size() {
      return waiting.size;
    },
    get overflowed() {
      return overflowed;
    },
  };
}
