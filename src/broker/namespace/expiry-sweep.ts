import type { Clock } from '../../shared/clock.js';
import type { InTurn } from '../../shared/turns.js';
import { EXPIRY_BLOCK, type Queue, type QueueEntry, type Sessions } from '../entities/index.js';
import { storedSessionId } from '../message/index.js';
import { blockOfExpiryKey, expiryEnd, expiryKey } from '../store/keys.js';
import type { Store } from '../store/types.js';
import { readActive } from './active-reader.js';
import { createAlarm } from './alarm.js';

type SessionsView = ReturnType<Sessions['view']>;

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
      // In turn: what is on its way out must not be loaded again.
      await inTurn(() => Promise.all(queue.takeExpired(nowMs).map(expire)));
      let earliestMs = await sweepStored(block, nowMs);
      // What has expired and was left is in somebody's hands.
      let lookAtMs = earliestMs <= nowMs ? nowMs + LOCKED_AGAIN_MS : earliestMs;
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
    const view = queue.sessions?.view();
    const entries = from < toSequence ? await readActive(store, queue, range) : [];
    const expired: QueueEntry[] = [];
    let earliestMs = NEVER;
    for (const entry of entries) {
      const found = entry.expiresAtMs <= nowMs ? storedAlone(entry, view) : undefined;
      if (found === undefined) earliestMs = Math.min(earliestMs, entry.expiresAtMs);
      else expired.push(found);
    }
    await Promise.all(expired.map((entry) => expire(queue.takeAhead(entry))));
    const last = entries.at(-1);
    return { earliestMs, nextSequence: last === undefined ? toSequence : last.sequence + 1 };
  }

  /** A message that was found in the store, where nobody has it in hand. */
  function storedAlone(entry: QueueEntry, view: SessionsView | undefined): QueueEntry | undefined {
    if (view === undefined) return entry;
    const sessionId = storedSessionId(entry.record as Buffer) ?? '';
    return view.isStoredAlone(sessionId, entry.sequence) ? { ...entry, sessionId } : undefined;
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
