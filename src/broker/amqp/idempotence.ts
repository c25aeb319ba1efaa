import { randomInt } from 'node:crypto';
import rhea, { type Receiver } from 'rhea';
import { type AttachedProducer, createProducers, type ProducerClaim } from '../entities/index.js';
import { annotationOf, type IncomingMessage } from '../message/index.js';
import type { PartitionRuntime } from '../namespace/index.js';
import type { AmqpFault } from './conditions.js';
import type { Take } from './ingress.js';
import { wholeProperty } from './properties.js';
import { setAttach } from './transport.js';

/*
 * Idempotent producers of Event Hubs: a producer numbers its events, and an event that comes again, since the answer to
 * the first was lost, is accepted and dropped. The names are those of the official clients.
 */
const CAPABILITY = 'com.microsoft:idempotent-producer';
const ID = 'com.microsoft:producer-id';
const EPOCH = 'com.microsoft:producer-epoch';
const SEQUENCE = 'com.microsoft:producer-sequence-number';
const { types } = rhea;

const stolen = (id: number, epoch: number): AmqpFault => ({
  condition: 'com.microsoft:producer-epoch-stolen',
  description: `Producer '${id}' has the higher epoch '${epoch}' now: a newer producer with the same id took its place.`,
});
const outOfOrder = (got: number, expected: number): AmqpFault => ({
  condition: 'com.microsoft:out-of-order-sequence',
  description: `The producer sequence number '${got}' is out of order: '${expected}' is expected.`,
});
const unnumbered: AmqpFault = {
  condition: 'com.microsoft:argument-error',
  description: `Each event of an idempotent producer carries its own ${ID}, ${EPOCH} and ${SEQUENCE}, one after the other.`,
};

interface Attached extends AttachedProducer {
  disconnect(fault: AmqpFault): void;
}

/** The idempotent producers of one partition and the links that they have. */
interface PartitionProducers {
  readonly table: ReturnType<typeof createProducers>;
  readonly links: Set<Attached>;
  /** The newest append: what repeats events is accepted only once those are durable. */
  last: Promise<void>;
}

export type ProducerRegistry = (partition: PartitionRuntime) => PartitionProducers;

export function createProducerRegistry(): ProducerRegistry {
  const known = new WeakMap<PartitionRuntime, PartitionProducers>();
  return (partition) => {
    const found = known.get(partition) ?? {
      table: createProducers(partition.note()),
      links: new Set<Attached>(),
      last: Promise.resolve(),
    };
    known.set(partition, found);
    return found;
  };
}

export const wantsIdempotence = (link: Receiver): boolean =>
  [link.desired_capabilities ?? []].flat().some((one) => String(one) === CAPABILITY);

/** Of the types that the clients give them: a long, as far as it can be told from its neighbour, a short and an int. */
const MOST = { [ID]: Number.MAX_SAFE_INTEGER, [EPOCH]: 2 ** 15 - 1, [SEQUENCE]: 2 ** 31 - 1 } as const;

function claimOf(link: Receiver): ProducerClaim | AmqpFault {
  const [id, epoch, sequence] = ([ID, EPOCH, SEQUENCE] as const).map((name) => wholeProperty(link, name, MOST[name]));
  if (typeof id === 'object') return id;
  if (typeof epoch === 'object') return epoch;
  return typeof sequence === 'object' ? sequence : { id, epoch, sequence };
}

/** The number of the first event, when all are of the producer and follow each other. */
function firstOf(messages: readonly IncomingMessage[], { id, epoch }: AttachedProducer): number | undefined {
  const first = Number(annotationOf(messages[0] as IncomingMessage, SEQUENCE));
  const follow = messages.every(
    (message, index) =>
      Number(annotationOf(message, SEQUENCE)) === (first + index) % 2 ** 31 &&
      Number(annotationOf(message, ID)) === id &&
      Number(annotationOf(message, EPOCH)) === epoch,
  );
  return follow ? first : undefined;
}

function takeOnce(producers: PartitionProducers, partition: PartitionRuntime, producer: AttachedProducer): Take {
  const { table } = producers;
  return async ({ messages }) => {
    if (messages.length === 0) return undefined;
    const first = firstOf(messages, producer);
    if (first === undefined) return unnumbered;
    const admission = table.admit(producer, { first, count: messages.length });
    if (admission.kind === 'stolen') return stolen(producer.id, admission.epoch);
    if (admission.kind === 'out-of-order') return outOfOrder(first, admission.expected);
    if (admission.kind === 'append') {
      producers.last = partition.append(messages.slice(admission.skip), table.encode());
    }
    try {
      await producers.last;
    } catch (error) {
      // Nothing that was admitted since the last durable note is there.
      table.restore(partition.note());
      throw error;
    }
    return undefined;
  };
}

export interface IdempotentLink {
  readonly take: Take;
  detach(): void;
}

/** Attaches an idempotent producer to a partition: answers who it is, and takes the place of older ones of its id. */
export function attachProducer(
  registry: ProducerRegistry,
  link: Receiver,
  partition: PartitionRuntime,
): IdempotentLink | AmqpFault {
  const claim = claimOf(link);
  if ('condition' in claim) return claim;
  const producers = registry(partition);
  const attached = producers.table.attach(claim, () => randomInt(1, 2 ** 47));
  if ('stolenBy' in attached) return stolen(claim.id as number, attached.stolenBy);
  for (const other of producers.links) {
    if (other.id !== attached.id || other.epoch >= attached.epoch) continue;
    producers.links.delete(other);
    other.disconnect(stolen(other.id, attached.epoch));
  }
  const own: Attached = { ...attached, disconnect: (fault) => link.close({ ...fault }) };
  producers.links.add(own);
  setAttach(link, {
    offered_capabilities: [CAPABILITY],
    properties: {
      [ID]: types.wrap_long(attached.id),
      [EPOCH]: types.wrap_short(attached.epoch),
      [SEQUENCE]: types.wrap_int(attached.sequence),
    },
  });
  return {
    take: takeOnce(producers, partition, attached),
    detach: () => void producers.links.delete(own),
  };
}
