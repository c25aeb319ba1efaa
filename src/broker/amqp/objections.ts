import type { QueueEntity, SubscriptionEntity, TopicEntity } from '../namespace/index.js';
import { type AmqpFault, entityDisabled, notAllowed } from './conditions.js';
import type { ConnectionContext } from './context.js';

const autoForwarding = notAllowed('Cannot create a message receiver on an entity with auto-forwarding enabled.');

type Entity = QueueEntity | SubscriptionEntity | TopicEntity;

/** The fault of an entity whose status keeps one half of its work, or all of it, from being done. */
export function disabledFor(
  { namespaceName }: Pick<ConnectionContext, 'namespaceName'>,
  { record }: Entity,
  half: 'SendDisabled' | 'ReceiveDisabled',
): AmqpFault | undefined {
  const { status } = record.definition;
  return status === 'Disabled' || status === half ? entityDisabled(namespaceName, record.path) : undefined;
}

/** Why nobody may send to a queue or topic; undefined when anybody may. */
export const sendObjection = (
  context: Pick<ConnectionContext, 'namespaceName'>,
  entity: QueueEntity | TopicEntity,
): AmqpFault | undefined => disabledFor(context, entity, 'SendDisabled');

/** Why nobody may receive from a queue or subscription, or from one of its sub-queues; undefined when anybody may. */
export function receiveObjection(
  context: Pick<ConnectionContext, 'namespaceName'>,
  entity: QueueEntity | SubscriptionEntity,
  { deadLetters, transfer }: { readonly deadLetters: boolean; readonly transfer?: true },
): AmqpFault | undefined {
  const fault = disabledFor(context, entity, 'ReceiveDisabled');
  if (fault !== undefined || transfer) return fault;
  const { definition } = entity.record;
  const to = deadLetters ? definition.forwardDeadLetteredMessagesTo : definition.forwardTo;
  return to === undefined ? undefined : autoForwarding;
}
