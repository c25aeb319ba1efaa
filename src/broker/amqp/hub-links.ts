import type { Receiver, Sender } from 'rhea';
import type { HubEntity, PartitionRuntime, Position } from '../namespace/index.js';
import { type Address, pathOf } from './address.js';
import {
  type AmqpFault,
  consumerGroupNotFound,
  entityDisabled,
  entityNotFound,
  notAllowed,
  partitionOutOfRange,
  positionBeyondEnd,
} from './conditions.js';
import type { ConnectionContext, LinkService } from './context.js';
import type { PartitionReader } from './epochs.js';
import { serveHubEgress } from './hub-egress.js';
import { takeFromPublisher, takeIntoHub } from './hub-ingress.js';
import { attachProducer, wantsIdempotence } from './idempotence.js';
import { serveIngress, type Take } from './ingress.js';
import { parsePosition, SELECTOR } from './positions.js';
import { invalidField, receiverName, wholeProperty } from './properties.js';
import { MAX_MESSAGE_BYTES } from './rhea-transfers.js';
import { setAttach } from './transport.js';

type Opened = LinkService | AmqpFault;
type Status = 'SendDisabled' | 'ReceiveDisabled';

const DEFAULT_GROUP = '$default';

const disabled = ({ namespaceName }: ConnectionContext, { record }: HubEntity, half: Status): AmqpFault | undefined => {
  const { status } = record.definition;
  return status === 'Disabled' || status === half ? entityDisabled(namespaceName, record.path) : undefined;
};

export type HubSenderAddress = Extract<Address, { kind: 'named' | 'partition' | 'publisher' }>;

interface Taking {
  readonly take: Take;
  readonly detach?: () => void;
}

const needsPartition = notAllowed('An idempotent producer sends to one partition: the address has to name it.');

function takingOf(
  { producers }: ConnectionContext,
  link: Receiver,
  { hub, address }: { readonly hub: HubEntity; readonly address: HubSenderAddress },
): Taking | AmqpFault {
  if (address.kind !== 'partition') {
    if (wantsIdempotence(link)) return needsPartition;
    return {
      take: address.kind === 'named' ? takeIntoHub(hub, undefined) : takeFromPublisher(hub, address.publisher),
    };
  }
  const partition = hub.runtime.partition(address.partitionId);
  if (partition === undefined) return partitionOutOfRange(hub.runtime.partitions.length);
  return wantsIdempotence(link) ? attachProducer(producers, link, partition) : { take: takeIntoHub(hub, partition) };
}

/** Opens a link on which a client sends events: to the hub, to one partition, or as a publisher. */
export function openHubSender(
  context: ConnectionContext,
  link: Receiver,
  target: { readonly hub: HubEntity; readonly address: HubSenderAddress },
): Opened {
  const { hub } = target;
  const objection = () => disabled(context, hub, 'SendDisabled');
  const fault = objection();
  if (fault) return fault;
  const taking = takingOf(context, link, target);
  if ('condition' in taking) return taking;
  const { take, detach } = taking;
  setAttach(link, { max_message_size: MAX_MESSAGE_BYTES });
  serveIngress(context, link, take);
  return { deletion: hub.deletion, objection, ...(detach && { detach }) };
}

const EPOCH = 'com.microsoft:epoch';

/** What its client calls a receiver; in errors, cut where somebody has much to say. */
function nameOf(link: Sender): string {
  const name = receiverName(link);
  return typeof name === 'string' && name !== '' ? name.slice(0, 64) : 'nil';
}

const wantsMetric = (link: Sender): boolean =>
  [link.desired_capabilities ?? []]
    .flat()
    .some((one) => String(one) === 'com.microsoft:enable-receiver-runtime-metric');

interface Reading {
  readonly hub: HubEntity;
  readonly partition: PartitionRuntime;
  readonly group: string;
  readonly position: Position;
  readonly epoch: number | undefined;
}

type ConsumerAddress = Extract<Address, { kind: 'consumer' }>;

/** Whether the group may read the hub now. */
function readable(context: ConnectionContext, hub: HubEntity, group: string): AmqpFault | undefined {
  const known = hub.record.definition.consumerGroups.some((name) => name.toLowerCase() === group.toLowerCase());
  if (!known && group.toLowerCase() !== DEFAULT_GROUP) {
    return consumerGroupNotFound(context.namespaceName, hub.record.path, group);
  }
  return disabled(context, hub, 'ReceiveDisabled');
}

function readingOf(context: ConnectionContext, link: Sender, address: ConsumerAddress): Reading | AmqpFault {
  const hub = context.namespace.findHub(address.hub);
  if (hub === undefined) return entityNotFound(context.namespaceName, pathOf(link.source?.address ?? ''));
  const fault = readable(context, hub, address.consumerGroup);
  if (fault) return fault;
  const partition = hub.runtime.partition(address.partitionId);
  if (partition === undefined) return partitionOutOfRange(hub.runtime.partitions.length);
  const position = parsePosition(link.source?.filter);
  if (position === undefined) return invalidField(SELECTOR, 'a position (offset, sequence number or enqueued time)');
  const epoch = wholeProperty(link, EPOCH);
  if (typeof epoch === 'object') return epoch;
  return { hub, partition, group: address.consumerGroup, position, epoch };
}

/** Opens a link on which a client reads a partition in a consumer group. */
export function openHubReceiver(context: ConnectionContext, link: Sender, address: ConsumerAddress): Opened {
  const reading = readingOf(context, link, address);
  if ('condition' in reading) return reading;
  const { hub, partition, group, position, epoch } = reading;
  const place = `${hub.record.path}|${group}|${partition.partitionId}`.toLowerCase();
  let egress: ReturnType<typeof serveHubEgress> | undefined;
  let left = false;
  const reader: PartitionReader = {
    epoch,
    name: nameOf(link),
    nextSequence: () => egress?.nextSequence(),
    disconnect(fault) {
      service.detach();
      link.close({ ...fault });
    },
  };
  const fault = context.readers.enter(place, reader);
  if (fault) return fault;
  const service = {
    deletion: hub.deletion,
    objection: () => readable(context, hub, group),
    resume: () => egress?.resume(),
    detach() {
      left = true;
      egress?.detach();
      context.readers.leave(place, reader);
    },
  };
  partition.resolve(position).then((start) => {
    if (left) return;
    if (start.kind === 'beyond-end') return reader.disconnect(positionBeyondEnd(position, start.lastSequence));
    egress = serveHubEgress(context, link, partition, {
      firstSequence: start.sequence,
      withMetric: wantsMetric(link),
    });
  }, context.onError);
  return service;
}
