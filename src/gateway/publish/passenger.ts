import type { SpoolRecord } from '../spool/index.js';
import type { LaneItem } from './lane.js';
import type { Outcome } from './ticket.js';

export interface SpooledItem extends LaneItem {
  /** What goes to disk. The item takes nothing more from then on. */
  toRecord(): Buffer;
}

/**
 * An item on its way through the memory lane, and through the spool as well once the broker is away or slow. A class: there
 * is one for each event, and an object with accessors of its own would cost several times as much.
 */
export class Passenger<Item extends SpooledItem> implements LaneItem {
  readonly item: Item;
  /** When it was let into the memory lane. */
  sinceMs = 0;
  /** What the memory lane said of it. */
  sent: Outcome | undefined = undefined;
  /** Where it is on disk; `refused` when the spool did not take it. */
  stored: 'no' | 'writing' | 'refused' | SpoolRecord = 'no';
  /** It was answered as accepted on disk. */
  promised = false;
  readonly #disembark: (passenger: Passenger<Item>) => void;

  constructor(item: Item, disembark: (passenger: Passenger<Item>) => void) {
    this.item = item;
    this.#disembark = disembark;
  }

  get bytes(): number {
    return this.item.bytes;
  }

  get deadlineMs(): number {
    return this.item.deadlineMs;
  }

  settle(outcome: Outcome): void {
    this.sent = outcome;
    this.#disembark(this);
  }
}
