import type { InTurn } from '../../../shared/turns.js';
import type { DeleteOutcome } from '../../admin/index.js';
import type { createAdmission } from '../admission.js';
import type { Namespace } from '../contract.js';
import type { QueueEntity, SubscriptionEntity, TopicEntity } from '../entities.js';

/** What the administration of every kind of entity works with. */
export interface AdministrationParts {
  readonly namespace: Namespace;
  readonly admission: ReturnType<typeof createAdmission>;
  /** Changes of the namespace are rare and must not overtake each other. */
  readonly inTurn: InTurn;
}

export const NOT_FOUND = { kind: 'not-found' } as const;
export const EXISTS = { kind: 'exists' } as const;

/** Azure lets some settings be chosen only when an entity is made. */
export const fixed = (setting: string) =>
  ({
    kind: 'invalid',
    reason: `The value for the ${setting} property of an existing entity cannot be changed.`,
  }) as const;

export const byName = <T extends { record: { definition: { name: string } } }>(entities: Iterable<T>): T[] =>
  [...entities].sort((a, b) =>
    a.record.definition.name.toLowerCase() < b.record.definition.name.toLowerCase() ? -1 : 1,
  );

export async function deleteEntity(
  namespace: Namespace,
  entity: QueueEntity | TopicEntity | SubscriptionEntity | undefined,
): Promise<DeleteOutcome> {
  if (entity === undefined) return NOT_FOUND;
  await namespace.remove(entity);
  return { kind: 'deleted' };
}

export function findTopic(namespace: Namespace, name: string): TopicEntity | undefined {
  const entity = namespace.find(name);
  return entity?.kind === 'topic' ? entity : undefined;
}
