import type { Receiver, Sender } from 'rhea';
import type { QueueEntity, QueueRuntime, TopicEntity } from '../namespace/index.js';
import { type Address, pathOf, queueAt } from './address.js';
import { type AmqpFault, entityNotFound, notAllowed } from './conditions.js';
import type { ConnectionContext, LinkService } from './context.js';
import { openHubReceiver, openHubSender } from './hub-links.js';
import { type ParsedTransfer, serveIngress, type Take, takeIntoQueueOrTopic } from './ingress.js';
import { receiveObjection, sendObjection } from './objections.js';
import { receiverName } from './properties.js';
import { serveQueueEgress } from './queue-egress.js';
import { MAX_MESSAGE_BYTES } from './rhea-transfers.js';
import { type Via, viaOf } from './send-via.js';
import { openSessionLink, sessionAskedFor } from './session-links.js';
import { serveCoordinator } from './transactions/coordinator.js';
import type { OpenTransaction } from './transactions/registry.js';
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
  entityNotFound(context.namespaceName, pathOf(link[side]?.address ?? ''));

/** Opens a link on which the client sends. */
export function openReceiverLink(context: ConnectionContext, link: Receiver, address: Address): Opened {
  if (address.kind === 'coordinator') return serveCoordinator(context, link);
  if (address.kind === 'partition' || address.kind === 'publisher') {
    const hub = context.namespace.findHub(address.hub);
    return hub ? openHubSender(context, link, { hub, address }) : notFound(context, link, 'target');
  }
  if (address.kind !== 'named' || address.deadLetters) return notFound(context, link, 'target');
  const entity = context.namespace.find(address.name);
  if (entity === undefined) return notFound(context, link, 'target');
  if (entity.kind === 'hub') return openHubSender(context, link, { hub: entity, address });
  const via = viaOf(context, link);
  if (via === undefined) return sendTo(context, link, entity, takeIntoQueueOrTopic(entity));
  const fault = 'condition' in via ? via : sendObjection(context, entity);
  return fault === undefined ? sendBy(context, link, via as Via) : fault;
}

/** Sends to another entity than that of the link's target. */
function sendBy(context: ConnectionContext, link: Receiver, via: Via): Opened {
  const { destination, refusal, properties } = via;
  const take = takeIntoQueueOrTopic(destination);
  const checked: Take = Object.assign(
    (transfer: ParsedTransfer) => {
      const fault = refusal();
      return fault ? Promise.resolve(fault) : take(transfer);
    },
    {
      enlist: (transfer: ParsedTransfer, transaction: OpenTransaction) =>
        refusal() ?? take.enlist?.(transfer, transaction),
    },
  );
  setAttach(link, { properties });
  return sendTo(context, link, destination, checked);
}

function sendTo(
  context: ConnectionContext,
  link: Receiver,
  entity: QueueEntity | TopicEntity,
  take: ReturnType<typeof takeIntoQueueOrTopic>,
): Opened {
  const objection = () => sendObjection(context, entity);
  const fault = objection();
  if (fault) return fault;
  setAttach(link, { max_message_size: MAX_MESSAGE_BYTES });
  serveIngress(context, link, take);
  return { deletion: entity.deletion, usage: entity.usage, objection };
}

/** Opens a link on which the client receives. */
export function openSenderLink(context: ConnectionContext, link: Sender, address: Address): Opened {
  const name = receiverName(link);
  if (typeof name === 'object') return name;
  if (address.kind === 'consumer') return openHubReceiver(context, link, address);
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
  const objection = () => receiveObjection(context, entity, subQueue);
  const fault = objection();
  if (fault) return fault;
  const queue = queueAt(entity.queue, subQueue) as QueueRuntime;
  const sessionId = sessionAskedFor(link);
  if (sessionId !== null && typeof sessionId === 'object') return sessionId;
  if (queue.sessions !== undefined) {
    if (sessionId === undefined) return sessionRequired;
    const opened = openSessionLink(context, link, queue.sessions, sessionId);
    return 'condition' in opened ? opened : { ...opened, deletion: entity.deletion, usage: entity.usage, objection };
  }
  if (sessionId !== undefined) return sessionNotRequired;
  if (link.snd_settle_mode === 1) setAttach(link, { snd_settle_mode: 1 });
  return { ...serveQueueEgress(context, link, queue), deletion: entity.deletion, usage: entity.usage, objection };
}
