import type { AmqpFault } from './conditions.js';

/** One receiver of a partition within a consumer group. */
export interface PartitionReader {
  /** Undefined for a receiver without an owner level. */
  readonly epoch: number | undefined;
  /** What its client calls it; `nil` when it does not say. */
  readonly name: string;
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

  /** The reader with the highest epoch, where there is one. */
  const owner = (readers: ReadonlySet<PartitionReader>): Owner | undefined => {
    let best: Owner | undefined;
    for (const { epoch, name } of readers) {
      if (epoch !== undefined && (best === undefined || epoch > best.epoch)) best = { epoch, name };
    }
    return best;
  };

  return {
    enter(place, reader) {
      const readers = places.get(place) ?? new Set();
      const fault = refusal(reader, owner(readers), readers);
      if (fault) return fault;
      if (reader.epoch !== undefined) {
        for (const other of readers) {
          readers.delete(other);
          other.disconnect(stolen(reader, other));
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

function stolen(by: PartitionReader, from: PartitionReader): AmqpFault {
  const description =
    `New receiver '${by.name}' with higher epoch of '${by.epoch}' is created hence current receiver '${from.name}' with ` +
    `epoch '${from.epoch ?? 0}' is getting disconnected. If you are recreating the receiver, make sure a higher epoch is used.`;
  return { condition: STOLEN, description };
}

interface Owner {
  readonly epoch: number;
  readonly name: string;
}

function refusal(
  { epoch, name }: PartitionReader,
  owner: Owner | undefined,
  readers: ReadonlySet<PartitionReader>,
): AmqpFault | undefined {
  if (epoch !== undefined && owner !== undefined && epoch < owner.epoch) {
    return {
      condition: STOLEN,
      description:
        `Receiver '${owner.name}' with a higher epoch '${owner.epoch}' already exists. Receiver '${name}' with epoch ` +
        `${epoch} cannot be created. Make sure you are creating receiver with increasing epoch value to ensure ` +
        'connectivity, or ensure all old epoch receivers are closed or disconnected.',
    };
  }
  if (epoch === undefined && owner !== undefined) {
    return {
      condition: STOLEN,
      description:
        `At least one receiver for the endpoint is created with epoch of '${owner.epoch}', and so non-epoch receiver is ` +
        'not allowed. Either reconnect with a higher epoch, or make sure all epoch receivers are closed or disconnected.',
    };
  }
  if (epoch === undefined && readers.size >= MAX_READERS) {
    const names = [...readers].map((reader) => reader.name).join(', ');
    return {
      condition: 'amqp:resource-limit-exceeded',
      description:
        'Exceeded the maximum number of allowed receivers per partition in a consumer group which is ' +
        `${MAX_READERS}. List of connected receivers - ${names}.`,
    };
  }
  return undefined;
}
