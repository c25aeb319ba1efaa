import type { Receiver } from 'rhea';
import type { Namespace } from '../namespace/index.js';
import { parseAddress, pathOf } from './address.js';
import { type AmqpFault, entityNotFound, notAllowed, unauthorized } from './conditions.js';
import type { ConnectionContext } from './context.js';

const DESTINATION = 'com.microsoft:transfer-destination-address';

type Found = Exclude<ReturnType<Namespace['find']>, undefined | { readonly kind: 'hub' }>;

/** Where a link sends to by way of the entity in its target. */
export interface Via {
  readonly destination: Found;
  /** Whether the tokens of the connection cover the destination, as they are now. */
  refusal(): AmqpFault | undefined;
  /** What the answer to the attach repeats. */
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * The destination that a link names beside its target (Service Bus, send-via). The service keeps such messages in the target
 * first, because there a transaction cannot have more than one entity; here it can, and they go where they are meant to go.
 * Undefined when the link names none.
 */
export function viaOf(context: ConnectionContext, link: Receiver): Via | AmqpFault | undefined {
  const given: unknown = (link.properties as Readonly<Record<string, unknown>> | undefined)?.[DESTINATION];
  if (given === undefined || given === null) return undefined;
  const address = typeof given === 'string' ? parseAddress(given) : undefined;
  if (typeof given !== 'string' || address?.kind !== 'named' || address.deadLetters) {
    return notAllowed(`${DESTINATION}: the name of a queue or topic is expected.`);
  }
  const path = pathOf(given);
  const refusal = () =>
    context.grants.covers(path, 'Send') ? undefined : unauthorized(context.namespaceName, path, 'Send');
  const fault = refusal();
  if (fault) return fault;
  const destination = context.namespace.find(address.name);
  if (destination === undefined) return entityNotFound(context.namespaceName, path);
  if (destination.kind === 'hub')
    return notAllowed(`${DESTINATION}: an event hub cannot be sent to by way of an entity.`);
  return { destination, refusal, properties: { [DESTINATION]: given } };
}
