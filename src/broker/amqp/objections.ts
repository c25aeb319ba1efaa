import type { QueueEntity, SubscriptionEntity } from '../namespace/index.js';
import { type AmqpFault, notAllowed } from './conditions.js';

const autoForwarding = notAllowed('Cannot create a message receiver on an entity with auto-forwarding enabled.');

/** Why nobody may receive from a queue or subscription, or from one of its sub-queues; undefined when anybody may. */
export function receiveObjection(
  { record: { definition } }: QueueEntity | SubscriptionEntity,
  { deadLetters, transfer }: { readonly deadLetters: boolean; readonly transfer?: true },
): AmqpFault | undefined {
  if (transfer) return undefined;
  const to = deadLetters ? definition.forwardDeadLetteredMessagesTo : definition.forwardTo;
  return to === undefined ? undefined : autoForwarding;
}
