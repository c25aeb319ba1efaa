/** That an event told of an order: a purchase or a refund, whose message has the order's key. */
interface Telling {
  readonly source: string;
  readonly idJson: string;
  /** The key of its message. */
  readonly order: string;
  /** It was accepted, and no other had told of that order before. */
  readonly isFirst: boolean;
}

/**
 * Which event told of which order, so that a look-up of one names the other. A ring without an index: noting one costs next
 * to nothing, and who asks waits for a look through all of them.
 */
export interface Orders {
  note(telling: Telling): void;
  /** The key of the message of an event. */
  orderOf(source: string, idJson: string): string | undefined;
  /** The id, as JSON, of the event that told of an order first. */
  firstOf(source: string, order: string): string | undefined;
}

export function createOrders(capacity: number): Orders {
  const ring: Telling[] = [];
  let next = 0;

  function newest(isWanted: (telling: Telling) => boolean): Telling | undefined {
    for (let age = 1; age <= ring.length; age++) {
      const telling = ring[(next - age + ring.length) % ring.length] as Telling;
      if (isWanted(telling)) return telling;
    }
    return undefined;
  }

  return {
    note(telling) {
      if (next === capacity) next = 0;
      ring[next++] = telling;
    },
    orderOf: (source, idJson) => newest((one) => one.idJson === idJson && one.source === source)?.order,
    firstOf: (source, order) => newest((one) => one.isFirst && one.order === order && one.source === source)?.idJson,
  };
}
