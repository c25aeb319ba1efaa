import { messageOf } from '../../shared/errors.js';
import type { Router } from '../entities/index.js';
import type { PropertyChange } from '../filters/index.js';
import { type IncomingMessage, rewriteBare, SYSTEM_TO_PROPERTY } from '../message/index.js';
import type { FilterValue } from '../topology/types.js';
import type { Budget } from './inlet.js';
import type { QueueRuntime } from './queue-runtime.js';
import type { Staged } from './staged.js';

/** The message as a rule's action leaves it. */
function changed(message: IncomingMessage, ruleName: string, changes: readonly PropertyChange[]): IncomingMessage {
  const applicationProperties = new Map<string, FilterValue | undefined>([['RuleName', ruleName]]);
  const properties = new Map<number, FilterValue>();
  for (const change of changes) {
    if (change.scope === 'user') {
      applicationProperties.set(change.name, change.value);
      continue;
    }
    // A new partition key or time of enqueueing has no effect in place; only a forwarded message would show it.
    const index = SYSTEM_TO_PROPERTY[change.name];
    if (index !== undefined) properties.set(index, change.value);
  }
  return { ...message, rewritten: true, bare: rewriteBare(message.bare, { applicationProperties, properties }) };
}

/** What routing needs of a subscription. */
export interface Recipient {
  readonly router: Router;
  readonly queue: QueueRuntime;
  /** Puts a message into the subscription, or where that forwards it to. */
  put(message: IncomingMessage, budget: Budget): readonly Staged[];
  readonly record: { readonly definition: { readonly deadLetteringOnFilterEvaluationExceptions: boolean } };
}

/** Puts the copies of a message that a subscription gets; none when no rule matches. */
export function createCopies(subscription: Recipient, message: IncomingMessage, budget: Budget): readonly Staged[] {
  const routing = subscription.router(message.filterable);
  if (routing.kind === 'copies') {
    const [only] = routing.copies;
    if (only === undefined) return [];
    // By far the most are one copy without an action.
    if (routing.copies.length === 1 && only.ruleName === undefined) return subscription.put(message, budget);
    return routing.copies.flatMap(({ ruleName, changes }) =>
      subscription.put(ruleName === undefined ? message : changed(message, ruleName, changes), budget),
    );
  }
  const { deadLetters } = subscription.queue;
  if (!subscription.record.definition.deadLetteringOnFilterEvaluationExceptions || deadLetters === undefined) return [];
  const applicationProperties = new Map<string, FilterValue>([
    ['DeadLetterReason', 'FilterEvaluationException'],
    ['DeadLetterErrorDescription', messageOf(routing.error)],
  ]);
  return [deadLetters.stage({ ...message, bare: rewriteBare(message.bare, { applicationProperties }) })];
}
