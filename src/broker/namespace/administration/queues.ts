import type { CreateOutcome, NamespacePort, QueueInfo, UpdateOutcome } from '../../admin/index.js';
import type { QueueDefinition } from '../../topology/index.js';
import type { QueueEntity } from '../entities.js';
import { queueInfo } from './info.js';
import { type AdministrationParts, byName, deleteEntity, EXISTS, fixed, NOT_FOUND } from './parts.js';

type Queues = Pick<NamespacePort, 'queues' | 'queue' | 'createQueue' | 'updateQueue' | 'deleteQueue'>;

/** The queues of a namespace as the administration API sees them. */
export function administerQueues({ namespace, admission, inTurn }: AdministrationParts): Queues {
  const findQueue = (name: string): QueueEntity | undefined => {
    const entity = namespace.find(name);
    return entity?.kind === 'queue' ? entity : undefined;
  };

  async function createQueue(definition: QueueDefinition): Promise<CreateOutcome<QueueInfo>> {
    if (namespace.find(definition.name) !== undefined) return EXISTS;
    const refusal = admission.newQueueOrTopic() ?? admission.queue(definition);
    if (refusal !== undefined) return refusal;
    const entity = await namespace.addQueue({ kind: 'queue', path: definition.name, definition });
    return { kind: 'created', info: queueInfo(entity) };
  }

  async function updateQueue(definition: QueueDefinition): Promise<UpdateOutcome<QueueInfo>> {
    const entity = findQueue(definition.name);
    if (entity === undefined) return NOT_FOUND;
    const current = entity.record.definition;
    if (definition.requiresSession !== current.requiresSession) return fixed('RequiresSession');
    if (definition.requiresDuplicateDetection !== current.requiresDuplicateDetection) {
      return fixed('RequiresDuplicateDetection');
    }
    const refusal = admission.queue(definition);
    if (refusal !== undefined) return refusal;
    await namespace.update({ ...entity.record, definition: { ...definition, name: current.name } });
    return { kind: 'updated', info: queueInfo(entity) };
  }

  return {
    queues: () => byName(namespace.queues()).map(queueInfo),
    queue(name) {
      const entity = findQueue(name);
      return entity && queueInfo(entity);
    },
    createQueue: (definition) => inTurn(() => createQueue(definition)),
    updateQueue: (definition) => inTurn(() => updateQueue(definition)),
    deleteQueue: (name) => inTurn(() => deleteEntity(namespace, findQueue(name))),
  };
}
