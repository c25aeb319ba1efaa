import { type BreakerOptions, createBreaker } from './breaker.js';
import { createDraining, type DrainingDeps } from './draining.js';
import { createLane, type Lane, type LaneDeps, type LaneOptions } from './lane.js';
import { Passenger, type SpooledItem } from './passenger.js';
import { createSlowWatch } from './slow-watch.js';
import { createStoring } from './storing.js';

export interface SpooledLaneDeps<Item extends SpooledItem> extends LaneDeps<Item>, DrainingDeps {
  readonly isUp: () => boolean;
}

export interface SpooledLane<Item extends SpooledItem> extends Lane<Item> {
  /** The broker is back. */
  resume(): void;
  /** Puts on disk what waits, and takes no more from it. Resolves when everything is settled that can be. */
  close(): Promise<void>;
}

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
  let spooling = !spool.isEmpty();
  let closed = false;

  const memory = createLane<Passenger<Item>>(
    { ...deps, send: (passengers) => deps.send(passengers.map(({ item }) => item)) },
    options,
  );
  const storing = createStoring<Item>(deps, () => draining.drain());
  const draining = createDraining(deps, options, {
    mayDrain: () => spooling && !closed && aboard.size === 0 && deps.isUp(),
    // Under a steady load the disk would never be empty. So what comes waits, no longer than for a broker that is slow.
    beforeLast() {
      if (!storing.isHeld()) storing.hold(breaker.patienceMs());
    },
    worked: storing.worked,
    isDone: () => spool.isEmpty() && (storing.isHeld() || !storing.isGathering()),
    done: goDirectly,
    paused: storing.letGo,
  });
  const watch = createSlowWatch<Passenger<Item>>({
    clock,
    patienceMs: breaker.patienceMs,
    oldest: () => (spooling || closed ? undefined : aboard.values().next().value),
    onSlow: spoolAll,
  });

  function disembark(passenger: Passenger<Item>): void {
    if (passenger.sent === 'broker') breaker.settled(passenger.sinceMs);
    const lost = passenger.sent === 'unavailable' || passenger.sent === 'timeout';
    // While it is still aboard, so that it goes to disk in its place.
    if (lost && passenger.stored === 'no') spoolAll();
    aboard.delete(passenger);
    storing.conclude(passenger);
    if (spooling) draining.drain();
  }

  function spoolAll(): void {
    spooling = true;
    for (const passenger of aboard) if (passenger.stored === 'no') storing.store(passenger);
  }

  /** The disk is empty: what waited for that, and all that comes, goes to the broker from memory. */
  function goDirectly(): void {
    spooling = false;
    for (const passenger of storing.takeGathered()) {
      passenger.sent = undefined;
      board(passenger);
    }
  }

  function board(passenger: Passenger<Item>): void {
    passenger.sinceMs = clock.now();
    aboard.add(passenger);
    memory.add(passenger);
    watch.wake();
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
      storing.storeSoon(passenger);
    },
    failWaiting: memory.failWaiting,
    isIdle: () => memory.isIdle() && storing.isIdle(),
    resume: draining.drain,
    async close() {
      closed = true;
      watch.stop();
      draining.stop();
      storing.letGo();
      spoolAll();
      memory.failWaiting('unavailable');
      await storing.finish();
    },
  };
}
