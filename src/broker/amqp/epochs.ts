import type { AmqpFault } from './conditions.js';

/** One receiver of a partition within a consumer group. */
export interface PartitionReader {
  /** Undefined for a receiver without an owner level. */
  readonly epoch: number | undefined;
  /** The event that it gets next; undefined until it is known. */
  nextSequence?(): number | undefined;
  /** Takes the partition away from it. */
  disconnect(fault: AmqpFault): void;
}

/** Receivers without an epoch that may read one partition in one group at once. */
const MAX_READERS = 5;

export interface ReaderRegistry {
  /** Lets the reader in, disconnecting those it supersedes, or says why it may not come in. */
  enter(place: string, reader: PartitionReader): AmqpFault | undefined;
  leave(place: string, reader: PartitionReader): void;
  /** Who reads what at this moment. */
  all(): { readonly place: string; readonly reader: PartitionReader }[];
}

/**
 * Who reads which partition. A receiver with an epoch is alone: one with the same or a higher epoch takes its place, one
 * with a lower epoch or none is refused (Event Hubs; the texts are those of Microsoft's mock hub).
 */
export function createReaderRegistry(): ReaderRegistry {
  const places = new Map<string, Set<PartitionReader>>();

  const highest = (readers: ReadonlySet<PartitionReader>): number | undefined => {
    let best: number | undefined;
    for (const { epoch } of readers) if (epoch !== undefined && (best === undefined || epoch > best)) best = epoch;
    return best;
  };

  return {
    enter(place, reader) {
      const readers = places.get(place) ?? new Set();
      const current = highest(readers);
      const fault = refusal(reader.epoch, current, readers.size);
      if (fault) return fault;
      if (reader.epoch !== undefined) {
        for (const other of readers) {
          readers.delete(other);
          other.disconnect(stolen(reader.epoch, other.epoch));
        }
      }
      readers.add(reader);
      places.set(place, readers);
      return undefined;
    },
    all: () => [...places].flatMap(([place, readers]) => [...readers].map((reader) => ({ place, reader }))),
    leave(place, reader) {
      const readers = places.get(place);
      readers?.delete(reader);
      if (readers?.size === 0) places.delete(place);
    },
  };
}

const STOLEN = 'amqp:link:stolen';

function stolen(newEpoch: number, oldEpoch: number | undefined): AmqpFault {
  const description =
    `New receiver 'nil' with higher epoch of '${newEpoch}' is created hence current receiver 'nil' with epoch ` +
    `'${oldEpoch ?? 0}' is getting disconnected. If you are recreating the receiver, make sure a higher epoch is used.`;
  return { condition: STOLEN, description };
}

function refusal(epoch: number | undefined, current: number | undefined, readers: number): AmqpFault | undefined {
  if (epoch !== undefined && current !== undefined && epoch < current) {
    return {
      condition: STOLEN,
      description:
        `Receiver 'nil' with a higher epoch '${current}' already exists. Receiver 'nil' with epoch ${epoch} cannot be ` +
        'created. Make sure you are creating receiver with increasing epoch value to ensure connectivity, or ensure all ' +
        'old epoch receivers are closed or disconnected.',
    };
  }
  if (epoch === undefined && current !== undefined) {
    return {
      condition: STOLEN,
      description:
        `At least one receiver for the endpoint is created with epoch of '${current}', and so non-epoch receiver is not ` +
        'allowed. Either reconnect with a higher epoch, or make sure all epoch receivers are closed or disconnected.',
    };
  }
  if (epoch === undefined && readers >= MAX_READERS) {
    return {
      condition: 'amqp:resource-limit-exceeded',
      description: `Exceeded the maximum number of allowed receivers per partition in a consumer group which is ${MAX_READERS}.`,
    };
  }
  return undefined;
}
