import { createTurns } from '../../shared/turns.js';
import type { NamespacePort } from '../admin/index.js';
import { administerQueues } from './administration/queues.js';
import { administerRules } from './administration/rules.js';
import { administerSubscriptions } from './administration/subscriptions.js';
import { administerTopics } from './administration/topics.js';
import { createAdmission } from './admission.js';
import type { Namespace } from './contract.js';

/** The namespace as the administration API sees it. Operations on one entity run one after the other. */
export function createNamespacePort(namespace: Namespace): NamespacePort {
  const parts = { namespace, admission: createAdmission(namespace), inTurn: createTurns() };
  return {
    createdAtMs: namespace.createdAtMs,
    ...administerQueues(parts),
    ...administerTopics(parts),
    ...administerSubscriptions(parts),
    ...administerRules(parts),
  };
}
