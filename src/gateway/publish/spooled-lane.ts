import { PublishError } from '../../messaging/index.js';
import type { CancelTimer } from '../../shared/clock.js';
import type { InTurn } from '../../shared/turns.js';
import type { SpoolLane, SpoolRecord, StoredRecord } from '../spool/index.js';
import { type BreakerOptions, createBreaker } from './breaker.js';
import {
  createLane,
  type Lane,
  type LaneDeps,
  type LaneItem,
  type LaneOptions,
  sendWithin,
  unexpected,
} from './lane.js';
import type { Outcome } from './ticket.js';

export interface SpooledItem extends LaneItem {
  /** What goes to disk. The item takes nothing more from then on. */
  toRecord(): Buffer;
}

export interface SpooledLaneDeps<Item extends SpooledItem> extends LaneDeps<Item> {
  readonly spool: SpoolLane;
  readonly isUp: () => boolean;
  /** Sends records from the front as one batch; resolves with how many of them the broker settled. Throws PublishError. */
  readonly sendRecords: (bodies: readonly Buffer[]) => Promise<number>;
  /** A record that the broker will never take is set aside. */
  readonly onRefused: (record: SpoolRecord, error: PublishError) => void;
  readonly onSpoolError: (error: unknown) => void;
  /** What a record takes of a batch beyond its own size. */
  readonly recordOverheadBytes: number;
  /** The lanes of one destination take turns at reading from the disk, and sending, a batch. */
  readonly drainInTurn: InTurn;
}

export interface SpooledLane<Item extends SpooledItem> extends Lane<Item> {
  /** The broker is back. */
  resume(): void;
  /** Puts on disk what waits, and takes no more from it. Resolves when everything is settled that can be. */
  close(): Promise<void>;
}

/**
 * An item on its way through the memory lane, and through the spool as well once the broker is away or slow. A class: there
 * is one for each event, and an object with accessors of its own would cost several times as much.
 */
class Passenger<Item extends SpooledItem> implements LaneItem {
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

/** How long the lane waits before it tries the disk again. */
const DISK_RETRY_MS = 1_000;
/** What is read from the disk at once: it is in memory while it is sent, and until it is collected. Twice as much at once drained no faster. */
const DRAIN_BYTES = 128 * 1024;

/**
 * A lane that never leaves an event standing: while its broker is away or slow, everything that waits and all that comes
 * goes to disk, in order, and is `accepted` there. When the broker is back the disk is emptied in order, and only then
 * does the lane send from memory again; so order is kept, and what was accepted first arrives first.
 *
 * What was in flight when the trouble began is on disk too, before everything that came later. If the broker settles it
 * after all it is taken from the disk again; if nobody knows, it is sent once more with the same ids.
 */
export function createSpooledLane<Item extends SpooledItem>(
  deps: SpooledLaneDeps<Item>,
  options: LaneOptions & { readonly breaker: BreakerOptions },
): SpooledLane<Item> {
  const { clock, spool } = deps;
  const breaker = createBreaker(clock, options.breaker);
  /** In the memory lane, oldest first. */
  const aboard = new Set<Passenger<Item>>();
  /** Work on the disk that is under way. */
  const pending = new Set<Promise<unknown>>();
  let spooling = !spool.isEmpty();
  let draining = false;
  let closed = false;
  let firstAlone = false;
  /** What came while the lane goes by way of the disk; it gathers while the disk is busy. */
  let toStore: Passenger<Item>[] = [];
  let storing = false;
  /** What comes waits in memory while the last of the disk is sent, and then goes without the disk. */
  let held = false;
  let cancelHold: CancelTimer | undefined;
  let cancelWatch: CancelTimer | undefined;
  let cancelRetry: CancelTimer | undefined;
  const drainBytes = Math.min(DRAIN_BYTES, options.maxBatchBytes);

  const memory = createLane<Passenger<Item>>(
    { ...deps, send: (passengers) => deps.send(passengers.map(({ item }) => item)) },
    options,
  );

  const track = (work: Promise<unknown>) => {
    pending.add(work);
    void work.finally(() => {
      pending.delete(work);
      void drain();
    });
  };

  function disembark(passenger: Passenger<Item>): void {
    if (passenger.sent === 'broker') breaker.settled(passenger.sinceMs);
    const lost = passenger.sent === 'unavailable' || passenger.sent === 'timeout';
    // While it is still aboard, so that it goes to disk in its place.
    if (lost && passenger.stored === 'no') spoolAll();
    aboard.delete(passenger);
    conclude(passenger);
    if (spooling) void drain();
  }

  /** Settles an item when enough is known of it, and brings the disk in line with what became of it. */
  function conclude({ item, sent, stored, promised }: Passenger<Item>): void {
    if (stored === 'writing') return;
    if (stored === 'no') {
      if (sent !== undefined) item.settle(sent);
      return;
    }
    if (stored === 'refused') {
      if (sent !== undefined) item.settle(sent === 'unavailable' || sent === 'timeout' ? 'overloaded' : sent);
      return;
    }
    // Once at its broker it need not be sent again. If this is lost in a crash it is, under the same ids.
    if (sent === 'broker' || (sent === 'too_large' && !promised)) {
      track(spool.remove([stored]).catch(deps.onSpoolError));
    }
  }

  /** Once a record is written its event is accepted, whatever becomes of the sending. */
  function store(passenger: Passenger<Item>): void {
    passenger.stored = 'writing';
    const written = spool.append(passenger.item.toRecord()).then(
      (record) => {
        passenger.stored = record;
        passenger.promised = passenger.sent !== 'broker' && passenger.sent !== 'too_large';
        passenger.item.settle(passenger.promised ? 'spool' : (passenger.sent as Outcome));
        conclude(passenger);
      },
      () => {
        passenger.stored = 'refused';
        conclude(passenger);
      },
    );
    track(written);
  }

  function storeSoon(passenger: Passenger<Item>): void {
    toStore.push(passenger);
    storeNext();
  }

  function storeNext(): void {
    if (storing || held || toStore.length === 0) return;
    storing = true;
    deps.defer(() => void storeGathered());
  }

  async function storeGathered(): Promise<void> {
    while (toStore.length > 0 && !held) {
      const gathered = toStore;
      toStore = [];
      for (const passenger of gathered) store(passenger);
      await Promise.allSettled([...pending]);
    }
    storing = false;
  }

  function spoolAll(): void {
    spooling = true;
    for (const passenger of aboard) if (passenger.stored === 'no') store(passenger);
  }

  /**
   * Events that come while the disk is emptied go there too, so that under a steady load it would never be empty. So for
   * the last batch they wait, no longer than for a broker that is slow.
   */
  function hold(): void {
    held = true;
    cancelHold = clock.setTimer(letGo, breaker.patienceMs());
  }

  function letGo(): void {
    held = false;
    cancelHold?.();
    storeNext();
  }

  /** The disk is empty: what waited for that, and all that comes, goes to the broker from memory. */
  function goDirectly(): void {
    spooling = false;
    const waiting = toStore;
    toStore = [];
    for (const passenger of waiting) {
      passenger.sent = undefined;
      board(passenger);
    }
  }

  function board(passenger: Passenger<Item>): void {
    passenger.sinceMs = clock.now();
    aboard.add(passenger);
    memory.add(passenger);
    if (cancelWatch === undefined) watch();
  }

  const isLastBatch = (): boolean => {
    const { records, bytes } = spool.size();
    return bytes + records * deps.recordOverheadBytes <= drainBytes;
  };

  /**
   * Looks after the oldest item in flight, which has been watched for so long. A clock that is set back would say for hours
   * that it has only just been sent.
   */
  function watch(watched?: Passenger<Item>, watchedMs = 0): void {
    cancelWatch = undefined;
    const [oldest] = aboard;
    if (oldest === undefined || spooling || closed) return;
    const soFarMs = oldest === watched ? watchedMs : 0;
    const patienceMs = breaker.patienceMs();
    const leftMs = Math.min(patienceMs, patienceMs - Math.max(soFarMs, clock.now() - oldest.sinceMs));
    if (leftMs <= 0) spoolAll();
    else cancelWatch = clock.setTimer(() => watch(oldest, soFarMs + leftMs), leftMs);
  }

  const mayDrain = (): boolean => spooling && !closed && aboard.size === 0 && deps.isUp();

  async function drain(): Promise<void> {
    if (draining || !mayDrain()) return;
    draining = true;
    try {
      while (await deps.drainInTurn(drainNext));
    } catch (error) {
      if (error instanceof PublishError) deps.onError(error);
      else {
        deps.onSpoolError(error);
        retryLater();
      }
    } finally {
      draining = false;
      letGo();
    }
  }

  /** False when there is nothing more to be done for now. */
  async function drainNext(): Promise<boolean> {
    if (!mayDrain()) return false;
    if (!held && isLastBatch()) hold();
    // Writes and removals that are under way change what is first.
    if (pending.size > 0) await Promise.allSettled([...pending]);
    if (!mayDrain()) return false;
    if (spool.isEmpty() && (held || toStore.length === 0)) {
      goDirectly();
      return false;
    }
    if (await drainOnce()) return true;
    retryLater();
    return false;
  }

  /** The disk does not answer, or not with what it was given: it may do so later. */
  function retryLater(): void {
    cancelRetry?.();
    cancelRetry = clock.setTimer(() => void drain(), DISK_RETRY_MS);
  }

  /** False when there was nothing to be read. */
  async function drainOnce(): Promise<boolean> {
    const read = await spool.read(drainBytes, deps.recordOverheadBytes);
    const records = firstAlone ? read.slice(0, 1) : read;
    if (records.length === 0) return false;
    try {
      const bodies = records.map(({ body }) => body);
      const sent = await sendWithin(clock, options.timeoutMs, () => deps.sendRecords(bodies));
      firstAlone = false;
      await spool.remove(records.slice(0, sent));
    } catch (cause) {
      if (!(cause instanceof PublishError)) throw cause instanceof Error && 'code' in cause ? cause : unexpected(cause);
      if (cause.code !== 'PS_PUBLISH_TOO_LARGE') throw cause;
      if (records.length > 1) firstAlone = true;
      else await setAside(records[0] as StoredRecord, cause);
    }
    return true;
  }

  async function setAside(record: StoredRecord, error: PublishError): Promise<void> {
    firstAlone = false;
    await spool.setAside(record);
    deps.onRefused(record, error);
  }

  return {
    add(item) {
      const passenger = new Passenger(item, disembark);
      if (!closed && !spooling && deps.isUp()) {
        board(passenger);
        return;
      }
      // First what is in flight, of which nobody knows yet what becomes.
      spoolAll();
      // Nobody sends it from memory: without the disk it is refused.
      passenger.sent = 'unavailable';
      storeSoon(passenger);
    },
    failWaiting: memory.failWaiting,
    isIdle: () => memory.isIdle() && pending.size === 0 && toStore.length === 0,
    resume: () => void drain(),
    async close() {
      closed = true;
      cancelWatch?.();
      cancelRetry?.();
      letGo();
      spoolAll();
      memory.failWaiting('unavailable');
      await storeGathered();
      while (pending.size > 0) await Promise.allSettled([...pending]);
    },
  };
}
