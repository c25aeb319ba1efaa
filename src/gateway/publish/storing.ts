import type { CancelTimer, Clock } from '../../shared/clock.js';
import type { SpoolLane } from '../spool/index.js';
import type { Passenger, SpooledItem } from './passenger.js';
import type { Outcome } from './ticket.js';

export interface StoringDeps {
  readonly clock: Clock;
  readonly defer: (task: () => void) => void;
  readonly spool: Pick<SpoolLane, 'append' | 'remove'>;
  readonly onSpoolError: (error: unknown) => void;
}

/**
 * How items come to the disk: what comes gathers while the disk is busy, and is settled once it is written; what its broker
 * has after all is taken from the disk again.
 * @param onWorked called whenever a write or a removal has come to its end
 */
export function createStoring<Item extends SpooledItem>(
  { clock, defer, spool, onSpoolError }: StoringDeps,
  onWorked: () => void,
) {
  /** Work on the disk that is under way. */
  const pending = new Set<Promise<unknown>>();
  let gathering: Passenger<Item>[] = [];
  let scheduled = false;
  let held = false;
  let cancelHold: CancelTimer | undefined;

  function track(work: Promise<unknown>): void {
    pending.add(work);
    void work.finally(() => {
      pending.delete(work);
      onWorked();
    });
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
    if (sent === 'broker' || (sent === 'too_large' && !promised)) track(spool.remove([stored]).catch(onSpoolError));
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

  function storeNext(): void {
    if (scheduled || held || gathering.length === 0) return;
    scheduled = true;
    defer(() => void storeGathered());
  }

  async function storeGathered(): Promise<void> {
    while (gathering.length > 0 && !held) {
      for (const passenger of takeGathered()) store(passenger);
      await Promise.allSettled([...pending]);
    }
    scheduled = false;
  }

  function takeGathered(): Passenger<Item>[] {
    const gathered = gathering;
    gathering = [];
    return gathered;
  }

  function letGo(): void {
    held = false;
    cancelHold?.();
    storeNext();
  }

  return {
    conclude,
    store,

    /** Stores what comes behind everything that is stored already, together with all that comes meanwhile. */
    storeSoon(passenger: Passenger<Item>): void {
      gathering.push(passenger);
      storeNext();
    },

    /** What comes waits in memory until `letGo`, but no longer than `forMs`. */
    hold(forMs: number): void {
      held = true;
      cancelHold = clock.setTimer(letGo, forMs);
    },
    letGo,
    isHeld: (): boolean => held,

    /** Whether something waits in memory to be stored. */
    isGathering: (): boolean => gathering.length > 0,
    takeGathered,

    isIdle: (): boolean => pending.size === 0 && gathering.length === 0,

    /** Resolves when the writes and removals are done that are under way now. */
    async worked(): Promise<void> {
      if (pending.size > 0) await Promise.allSettled([...pending]);
    },

    /** Stores what waits, and resolves when nothing is under way any more. */
    async finish(): Promise<void> {
      await storeGathered();
      while (pending.size > 0) await Promise.allSettled([...pending]);
    },
  };
}
