import {
  type CheckpointStore,
  EventHubConsumerClient,
  type LoadBalancingOptions,
  type ReceivedEventData,
} from '@azure/event-hubs';
import { toConsumeError } from '../consume-errors.js';
import type { PartitionEvent, PartitionFacts, PartitionOfHub } from '../ports/consume.js';
import { defaultCredential, type ServiceAccess } from './access.js';
import { recoverLostConnections, useRetryOptionsForRounds } from './lost-connections.js';

/**
 * After a lost connection the SDK notices that its receiver is gone only when its wait for events is over, so the wait
 * is short; as often a handler is told that nothing came. The same for the time between attempts to connect, which the
 * SDK makes 30 seconds by default.
 */
export const receiveOptions = {
  maxWaitTimeInSeconds: 2,
  /** Bodies are parsed where they are counted, once and with a rule for bad ones. */
  skipParsingBodyAsJson: true,
} as const;

const retryOptions = { maxRetries: 2, retryDelayInMs: 500, maxRetryDelayInMs: 2_000, timeoutInMs: 10_000 } as const;

export interface HubGroup {
  readonly hub: string;
  readonly consumerGroup: string;
}

export async function createHubConsumer(
  access: ServiceAccess,
  { hub, consumerGroup }: HubGroup,
  balancing?: { store: CheckpointStore; options: LoadBalancingOptions },
): Promise<EventHubConsumerClient> {
  const options = {
    retryOptions: { ...retryOptions },
    ...(balancing === undefined ? {} : { loadBalancingOptions: balancing.options }),
  };
  try {
    const client = await connect();
    const { _context: context } = client as unknown as { _context?: unknown };
    recoverLostConnections(context);
    useRetryOptionsForRounds(context, { maxRetries: 0, timeoutInMs: retryOptions.timeoutInMs });
    return client;
  } catch (error) {
    throw toConsumeError(error, `hub ${hub}`);
  }

  async function connect(): Promise<EventHubConsumerClient> {
    if ('connectionString' in access) {
      return balancing === undefined
        ? new EventHubConsumerClient(consumerGroup, access.connectionString, hub, options)
        : new EventHubConsumerClient(consumerGroup, access.connectionString, hub, balancing.store, options);
    }
    const credential = await defaultCredential();
    return balancing === undefined
      ? new EventHubConsumerClient(consumerGroup, access.namespace, hub, credential, options)
      : new EventHubConsumerClient(consumerGroup, access.namespace, hub, credential, balancing.store, options);
  }
}

export async function factsOf(client: EventHubConsumerClient, partitionId: string): Promise<PartitionFacts> {
  try {
    const facts = await client.getPartitionProperties(partitionId);
    return {
      partitionId,
      empty: facts.isEmpty,
      firstSequenceNumber: facts.beginningSequenceNumber,
      lastSequenceNumber: facts.lastEnqueuedSequenceNumber,
      lastEnqueuedAtMs: facts.lastEnqueuedOnUtc.getTime(),
    };
  } catch (error) {
    throw toConsumeError(error, `partition ${partitionId}`);
  }
}

export async function hubFactsOf(
  client: EventHubConsumerClient,
  hub: string,
): Promise<Required<Pick<PartitionOfHub, 'hubCreatedAtMs' | 'partitionIds'>>> {
  try {
    const { createdOn, partitionIds } = await client.getEventHubProperties();
    return { hubCreatedAtMs: createdOn.getTime(), partitionIds };
  } catch (error) {
    throw toConsumeError(error, `hub ${hub}`);
  }
}

export function toPartitionEvent(partitionId: string, event: ReceivedEventData): PartitionEvent {
  return {
    partitionId,
    sequenceNumber: event.sequenceNumber,
    offset: String(event.offset),
    enqueuedAtMs: event.enqueuedTimeUtc.getTime(),
    body: bytesOf(event.body),
  };
}

/** Our own producers send bytes; others may send AMQP values. */
function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : (JSON.stringify(body) ?? ''));
}
