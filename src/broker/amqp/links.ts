import type { Receiver, Sender } from 'rhea';
import type { HubEntity, QueueEntity, QueueRuntime, TopicEntity } from '../namespace/index.js';
import { type Address, queueAt } from './address.js';
import {
  type AmqpFault,
  consumerGroupNotFound,
  entityNotFound,
  notAllowed,
  partitionOutOfRange,
} from './conditions.js';
import type { ConnectionContext, LinkService } from './context.js';
import type { PartitionReader } from './epochs.js';
import { serveHubEgress } from './hub-egress.js';
import { serveIngress, takeIntoHub, takeIntoQueueOrTopic } from './ingress.js';
import { receiveObjection } from './objections.js';
import { parsePosition } from './positions.js';
import { serveQueueEgress } from './queue-egress.js';
import { MAX_MESSAGE_BYTES } from './rhea-connection.js';
import { openSessionLink, sessionAskedFor } from './session-links.js';
import { setAttach } from './transport.js';

/** The service's own sentences. */
const sessionRequired = notAllowed(
  'It is not possible for an entity that requires sessions to create a non-sessionful message receiver.',
);
const sessionNotRequired = notAllowed(
  'A sessionful message receiver cannot be created on an entity that does not require sessions. ' +
    'Ensure RequiresSession is set to true when creating a Queue or Subscription to enable sessionful behavior.',
);

type Opened = LinkService | AmqpFault;

const notFound = (context: ConnectionContext, link: Sender | Receiver, side: 'source' | 'target'): AmqpFault =>
  entityNotFound(context.namespaceName, link[side]?.address ?? '');

/** Opens a link on which the client sends. */
export function openReceiverLink(context: ConnectionContext, link: Receiver, address: Address): Opened {
  if (address.kind === 'partition') {
    const hub = context.namespace.findHub(address.hub);
    const partition = hub?.runtime.partition(address.partitionId);
    if (hub === undefined) return notFound(context, link, 'target');
    if (partition === undefined) return partitionOutOfRange(address.partitionId, address.hub);
    return sendTo(context, link, hub, takeIntoHub(hub, partition));
  }
  const entity = address.kind === 'named' && !address.deadLetters ? context.namespace.find(address.name) : undefined;
  if (entity === undefined) return notFound(context, link, 'target');
  if (entity.kind === 'hub') return sendTo(context, link, entity, takeIntoHub(entity, undefined));
  return sendTo(context, link, entity, takeIntoQueueOrTopic(entity));
}

function sendTo(
  context: ConnectionContext,
  link: Receiver,
  entity: HubEntity | QueueEntity | TopicEntity,
  take: ReturnType<typeof takeIntoHub>,
): LinkService {
  setAttach(link, { max_message_size: MAX_MESSAGE_BYTES });
  serveIngress(context, link, take);
  return { deletion: entity.deletion };
}

/** Opens a link on which the client receives. */
export function openSenderLink(context: ConnectionContext, link: Sender, address: Address): Opened {
  if (address.kind === 'consumer') return openConsumer(context, link, address);
  const entity =
    address.kind === 'subscription'
      ? context.namespace.findSubscription(address.topic, address.name)
      : address.kind === 'named'
        ? context.namespace.find(address.name)
        : undefined;
  if (entity === undefined) return notFound(context, link, 'source');
  if (entity.kind === 'topic') return notAllowed('A topic cannot be received from: name one of its subscriptions.');
  if (entity.kind === 'hub') return notAllowed('An event hub is received from by consumer group and partition.');
  const subQueue = address.kind === 'subscription' || address.kind === 'named' ? address : { deadLetters: false };
  const objection = () => receiveObjection(entity, subQueue);
  const fault = objection();
  if (fault) return fault;
  const queue = queueAt(entity.queue, subQueue) as QueueRuntime;
  const sessionId = sessionAskedFor(link);
  if (queue.sessions !== undefined) {
    if (sessionId === undefined) return sessionRequired;
    const opened = openSessionLink(context, link, queue.sessions, sessionId);
    return 'condition' in opened ? opened : { ...opened, deletion: entity.deletion, objection };
  }
  if (sessionId !== undefined) return sessionNotRequired;
  if (link.snd_settle_mode === 1) setAttach(link, { snd_settle_mode: 1 });
  return { ...serveQueueEgress(context, link, queue), deletion: entity.deletion, objection };
}

/** The owner level that an Event Hubs client asks for; a long beyond 2^53 arrives as bytes. */
function epochOf(link: Sender): number | undefined {
  const value: unknown = link.properties?.['com.microsoft:epoch'];
  if (typeof value === 'number') return value;
  return Buffer.isBuffer(value) && value.length === 8 ? Number(value.readBigInt64BE()) : undefined;
}

const wantsMetric = (link: Sender): boolean =>
  [link.desired_capabilities ?? []]
    .flat()
    .some((one) => String(one) === 'com.microsoft:enable-receiver-runtime-metric');

function openConsumer(
  context: ConnectionContext,
  link: Sender,
  address: Extract<Address, { kind: 'consumer' }>,
): Opened {
  const { namespace, namespaceName, readers } = context;
  const hub = namespace.findHub(address.hub);
  if (hub === undefined) return notFound(context, link, 'source');
  const group = address.consumerGroup.toLowerCase();
  const groups = ['$default', ...hub.record.definition.consumerGroups.map((name) => name.toLowerCase())];
  if (!groups.includes(group)) return consumerGroupNotFound(namespaceName, address.hub, address.consumerGroup);
  const partition = hub.runtime.partition(address.partitionId);
  if (partition === undefined) return partitionOutOfRange(address.partitionId, address.hub);
  const position = parsePosition(link.source?.filter);
  if (position === undefined) return { condition: 'amqp:invalid-field', description: 'The filter cannot be read.' };

  const place = `${address.hub}|${group}|${address.partitionId}`.toLowerCase();
  let egress: ReturnType<typeof serveHubEgress> | undefined;
  let left = false;
  const reader: PartitionReader = {
    epoch: epochOf(link),
    nextSequence: () => egress?.nextSequence(),
    disconnect(fault) {
      service.detach();
      link.close({ ...fault });
    },
  };
  const service = {
    deletion: hub.deletion,
    resume: () => egress?.resume(),
    detach() {
      left = true;
      egress?.detach();
      readers.leave(place, reader);
    },
  };
  const fault = readers.enter(place, reader);
  if (fault) return fault;
  partition.resolve(position).then((start) => {
    if (left) return;
    if (start.kind === 'at') {
      egress = serveHubEgress(context, link, partition, {
        firstSequence: start.sequence,
        withMetric: wantsMetric(link),
      });
      return;
    }
    service.detach();
    const given = position.kind === 'sequence' ? position.sequence : '';
    link.close({
      condition: 'com.microsoft:argument-error',
      description:
        `The supplied sequence number '${given}' is invalid. ` +
        `The last sequence number in the system is '${start.lastSequence}'`,
    });
  }, context.onError);
  return service;
}
