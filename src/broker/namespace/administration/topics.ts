import type { CreateOutcome, NamespacePort, NewTopic, TopicInfo, UpdateOutcome } from '../../admin/index.js';
import { topicInfo } from './info.js';
import { type AdministrationParts, byName, deleteEntity, EXISTS, findTopic, fixed, NOT_FOUND } from './parts.js';

type Topics = Pick<NamespacePort, 'topics' | 'topic' | 'createTopic' | 'updateTopic' | 'deleteTopic'>;

/** The topics of a namespace as the administration API sees them. */
export function administerTopics({ namespace, admission, inTurn }: AdministrationParts): Topics {
  async function createTopic(definition: NewTopic): Promise<CreateOutcome<TopicInfo>> {
    if (namespace.find(definition.name) !== undefined) return EXISTS;
    const refusal = admission.newQueueOrTopic() ?? admission.topic(definition);
    if (refusal !== undefined) return refusal;
    const entity = await namespace.addTopic({ kind: 'topic', path: definition.name, definition });
    return { kind: 'created', info: topicInfo(entity) };
  }

  async function updateTopic(definition: NewTopic): Promise<UpdateOutcome<TopicInfo>> {
    const entity = findTopic(namespace, definition.name);
    if (entity === undefined) return NOT_FOUND;
    const current = entity.record.definition;
    if (definition.requiresDuplicateDetection !== current.requiresDuplicateDetection) {
      return fixed('RequiresDuplicateDetection');
    }
    const refusal = admission.topic(definition);
    if (refusal !== undefined) return refusal;
    await namespace.update({ ...entity.record, definition: { ...definition, name: current.name } });
    return { kind: 'updated', info: topicInfo(entity) };
  }

  return {
    topics: () => byName(namespace.topics()).map(topicInfo),
    topic(name) {
      const entity = findTopic(namespace, name);
      return entity && topicInfo(entity);
    },
    createTopic: (definition) => inTurn(() => createTopic(definition)),
    updateTopic: (definition) => inTurn(() => updateTopic(definition)),
    deleteTopic: (name) => inTurn(() => deleteEntity(namespace, findTopic(namespace, name))),
  };
}
