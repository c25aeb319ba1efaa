import type { Clock } from '../../shared/clock.js';
import type { InTurn } from '../../shared/turns.js';
import { EXPIRY_BLOCK, type Queue, type QueueEntry } from '../entities/index.js';
import { blockOfExpiryKey, expiryEnd, expiryKey } from '../store/keys.js';
import type { Store } from '../store/types.js';
import { readActive } from './active-reader.js';
import { createAlarm } from './alarm.js';

export interface ExpirySweepDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly queue: Queue;
  /** Keeps from reading what is being removed: the dispatcher's reading goes the same way. */
  readonly inTurn: InTurn;
  /** Removes a message whose time to live is over, or dead-letters it. */
  readonly expire: (entry: QueueEntry) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export interface ExpirySweep {
  /** Reads what an earlier life knew. */
  start(): void;
  /** There may be something that expires earlier than what was known. */
  wake(): void;
  stop(): void;
}

/** After so many blocks others go first for a while: no more than 32 blocks a second are read. */
const BLOCKS_AT_ONCE = 8;
const PAUSE_MS = 250;
/** How soon it is looked again for what has expired and is locked. */
const LOCKED_AGAIN_MS = 5000;
/** And for what was on its way to the disk. */
const UNPUBLISHED_AGAIN_MS = 1000;
const READ_AT_ONCE = 256;
const MAX_BLOCKS_LOADED = 10_000_000;
const NEVER = Number.POSITIVE_INFINITY;

/** Removes messages whose time to live is over, also where nobody receives, so that counts are true. */
export function createExpirySweep(deps: ExpirySweepDeps): ExpirySweep {
  const { store, clock, queue, inTurn, expire, onError } = deps;
  let running = false;
  let stopped = false;
  const alarm = createAlarm(clock, onAlarm);

  function schedule(notBeforeMs: number): void {
    if (!running) alarm.set(Math.max(queue.expiry.nextMs(), notBeforeMs));
  }

  function onAlarm(): void {
    if (queue.expiry.nextMs() > clock.now()) {
      schedule(0);
      return;
    }
    running = true;
    sweep()
      .catch(onError)
      .finally(() => {
        running = false;
        schedule(clock.now() + PAUSE_MS);
      });
  }

  async function sweep(): Promise<void> {
    queue.forgetExpiredBlocks();
    for (let count = 0; count < BLOCKS_AT_ONCE && !stopped; count++) {
      const nowMs = clock.now();
      const due = queue.expiry.due(nowMs);
      if (due === undefined) return;
      const block = due.number;
      const unpublished = queue.hasUnpublished(block);
      const inMemory = queue.takeExpired(nowMs);
      await Promise.all(inMemory.map(expire));
      let earliestMs = await sweepStored(block, nowMs);
      let lookAtMs = earliestMs;
      for (const expiresAtMs of queue.expiriesInMemory(block)) {
        earliestMs = Math.min(earliestMs, expiresAtMs);
        // What has expired and is still there is locked.
        lookAtMs = Math.min(lookAtMs, expiresAtMs <= nowMs ? nowMs + LOCKED_AGAIN_MS : expiresAtMs);
      }
      if (unpublished) {
        // Not all of it could be read: what is known of the rest stays as it was.
        earliestMs = Math.min(earliestMs, due.earliestMs);
        lookAtMs = Math.min(lookAtMs, nowMs + UNPUBLISHED_AGAIN_MS);
      }
      queue.expiry.looked(block, earliestMs, lookAtMs);
    }
  }

  /** Removes what has expired of the part of a block that is not in memory; answers when the rest begins to expire. */
  async function sweepStored(block: number, nowMs: number): Promise<number> {
    const toSequence = Math.min(queue.ahead().toSequence, (block + 1) * EXPIRY_BLOCK);
    let fromSequence = block * EXPIRY_BLOCK;
    let earliestMs = NEVER;
    while (fromSequence < toSequence) {
      // Receivers that wait for a turn to read come in between.
      const swept = await inTurn(() => sweepSome(fromSequence, toSequence, nowMs));
      earliestMs = Math.min(earliestMs, swept.earliestMs);
      fromSequence = swept.nextSequence;
    }
    return earliestMs;
  }

  async function sweepSome(fromSequence: number, toSequence: number, nowMs: number) {
    // What was loaded meanwhile is in memory.
    const from = Math.max(fromSequence, queue.ahead().fromSequence);
    const range = { fromSequence: from, toSequence, limit: READ_AT_ONCE };
    const entries = from < toSequence ? await readActive(store, queue, range) : [];
    const expired = entries.filter(({ expiresAtMs }) => expiresAtMs <= nowMs);
    let earliestMs = NEVER;
    for (const { expiresAtMs } of entries) if (expiresAtMs > nowMs) earliestMs = Math.min(earliestMs, expiresAtMs);
    await Promise.all(expired.map((entry) => expire(queue.takeAhead(entry))));
    const last = entries.at(-1);
    return { earliestMs, nextSequence: last === undefined ? toSequence : last.sequence + 1 };
  }

  async function load(): Promise<void> {
    const rows = await store.range({
      from: expiryKey(queue.id, 0),
      to: expiryEnd(queue.id),
      limit: MAX_BLOCKS_LOADED,
    });
    for (const { key, value } of rows) queue.expiry.load(blockOfExpiryKey(key), value.readDoubleBE(0));
    schedule(0);
  }

  return {
    start: () => void load().catch(onError),
    wake: () => schedule(0),
    stop() {
      stopped = true;
      alarm.stop();
    },
  };
}
