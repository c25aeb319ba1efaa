import { type IncomingMessage, withAnnotation } from '../message/index.js';
import type { HubEntity, PartitionRuntime } from '../namespace/index.js';
import { notAllowed } from './conditions.js';
import { noFault, type Take } from './ingress.js';

/** A key says which partition, and so does the address: the service takes one of the two. */
const keyAndPartition = notAllowed(
  'A partition key cannot be given with events that are sent to one partition: the address names it already.',
);

/**
 * Takes events for the partition of the address or, without one, for that of their key. No async function: while it waits
 * for the disk that would keep every object that was made of the messages, and the garbage collector would move them all.
 */
export function takeIntoHub(hub: HubEntity, partition: PartitionRuntime | undefined): Take {
  return ({ messages, partitionKey }) => {
    if (partition !== undefined && partitionKey !== undefined) return Promise.resolve(keyAndPartition);
    return (partition ?? hub.runtime.choose(partitionKey)).append(messages).then(noFault);
  };
}

/**
 * Takes the events of one publisher (`hub/Publishers/name`): its name is their partition key, and they carry it as
 * `x-opt-publisher`.
 */
export function takeFromPublisher(hub: HubEntity, publisher: string): Take {
  const signed = (message: IncomingMessage) => withAnnotation(message, 'x-opt-publisher', publisher);
  return ({ messages, partitionKey }) => {
    if (partitionKey !== undefined && partitionKey !== publisher) {
      return Promise.resolve(notAllowed(`The partition key of a publisher's events is its name, '${publisher}'.`));
    }
    return hub.runtime.choose(publisher).append(messages.map(signed)).then(noFault);
  };
}
