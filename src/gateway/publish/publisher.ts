import type { Clock } from '../../shared/clock.js';
import type { Budget } from './budget.js';
import { indexesOf, type OutgoingEvent, type Sink } from './sink.js';
import { createTicket, NOTHING_SENT, type Settlements, type Ticket } from './ticket.js';

/** The events of one request, by where they go. */
export type Outgoing = ReadonlyMap<Sink, readonly OutgoingEvent[]>;

/** Hands the events of a request to their sinks and waits until each is settled: a broker has it, or it failed. */
export function createPublisher(clock: Clock, budget: Budget, limits: { readonly publishTimeoutMs: number }) {
  /** A function of its own: a ticket that waits must not keep the events alive, which their sinks have written down. */
  const openTicket = (
    count: number,
    bytes: number,
    sinks: readonly Sink[] | undefined,
  ): { ticket: Ticket; settled: Promise<Settlements> } => {
    let resolve: (settlements: Settlements) => void = () => {};
    const settled = new Promise<Settlements>((resolveSettled) => {
      resolve = resolveSettled;
    });
    const ticket = createTicket(count, clock.now() + limits.publishTimeoutMs, (settlements) => {
      if (sinks === undefined) {
        resolve(settlements);
        return;
      }
      budget.release(bytes);
      resolve(
        settlements.failures.size === 0
          ? settlements
          : { ...settlements, retryAfterSeconds: waitFor(sinks, settlements) },
      );
    });
    return { ticket, settled };
  };

  return function publish(outgoing: Outgoing): Promise<Settlements> {
    let count = 0;
    let bytes = 0;
    for (const events of outgoing.values()) {
      count += events.length;
      for (const event of events) bytes += event.heldBytes;
    }
    if (count === 0) return Promise.resolve(NOTHING_SENT);
    const reserved = budget.reserve(bytes);
    // Without room in memory nothing is asked of the sinks.
    const { ticket, settled } = openTicket(count, bytes, reserved ? [...outgoing.keys()] : undefined);
    for (const [sink, events] of outgoing) {
      if (reserved) sink.add(events, ticket);
      else ticket.settle(indexesOf(events), 'overloaded');
    }
    return settled;
  };
}

/** What was refused although there was room in memory found none on disk. */
function waitFor(sinks: readonly Sink[], { failures }: Settlements): number | undefined {
  if (![...failures.values()].includes('overloaded')) return undefined;
  return Math.max(...sinks.map((sink) => sink.retryAfterSeconds() ?? 0));
}
