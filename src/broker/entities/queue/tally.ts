import type { QueueState } from './types.js';

/** What is kept of a queue beside its messages, as it is now. A class: every message that comes and goes changes it. */
export class Tally implements QueueState {
  nextSequence: number;
  firstSequence: number;
  count: number;
  bytes: number;
  deferredCount: number;
  removedCount: number;
  deliveredBelow: number;
  /** There is something that no batch has taken along yet. */
  changed = false;

  constructor(initial: QueueState) {
    this.nextSequence = initial.nextSequence;
    this.firstSequence = initial.firstSequence;
    this.count = initial.count;
    this.bytes = initial.bytes;
    this.deferredCount = initial.deferredCount;
    this.removedCount = initial.removedCount;
    this.deliveredBelow = initial.deliveredBelow;
  }

  state(): QueueState {
    const { nextSequence, firstSequence, count, bytes, deferredCount, removedCount, deliveredBelow } = this;
    return { nextSequence, firstSequence, count, bytes, deferredCount, removedCount, deliveredBelow };
  }

  /** The state when it differs from what was last asked for here: what a batch has to write. */
  takeChanged(): QueueState | undefined {
    if (!this.changed) return undefined;
    this.changed = false;
    return this.state();
  }
}
