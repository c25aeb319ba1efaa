import { type IncomingMessage, withAnnotation } from '../message/index.js';
import type { HubEntity, PartitionRuntime } from '../namespace/index.js';
import { notAllowed } from './conditions.js';
import type { Take } from './ingress.js';

/** A key says which partition, and so does the address: the service takes one of the two. */
const keyAndPartition = notAllowed(
  'A partition key cannot be given with events that are sent to one partition: the address names it already.',
);

/** Takes events for the partition of the address or, without one, for that of their key. */
export function takeIntoHub(hub: HubEntity, partition: PartitionRuntime | undefined): Take {
  return async ({ messages, partitionKey }) => {
    if (partition !== undefined && partitionKey !== undefined) return keyAndPartition;
    await (partition ?? hub.runtime.choose(partitionKey)).append(messages);
    return undefined;
  };
}

/**
 * Takes the events of one publisher (`hub/Publishers/name`): its name is their partition key, and they carry it as
 * `x-opt-publisher`.
 */
export function takeFromPublisher(hub: HubEntity, publisher: string): Take {
  const signed = (message: IncomingMessage) => withAnnotation(message, 'x-opt-publisher', publisher);
  return async ({ messages, partitionKey }) => {
    if (partitionKey !== undefined && partitionKey !== publisher) {
      return notAllowed(`The partition key of a publisher's events is its name, '${publisher}'.`);
    }
    await hub.runtime.choose(publisher).append(messages.map(signed));
    return undefined;
  };
}
