import type { Entity, HubEntity, QueueEntity, SubscriptionEntity, TopicEntity } from './entities.js';

type Root = Exclude<Entity, SubscriptionEntity>;

export type Directory = ReturnType<typeof createDirectory>;

/** Which entities there are, by name: queues, topics and hubs, and below topics their subscriptions. Names ignore case. */
export function createDirectory() {
  const roots = new Map<string, Root>();
  const live = new Set<Entity>();

  const find = (name: string): Root | undefined => roots.get(name.toLowerCase());

  const findTopic = (name: string): TopicEntity | undefined => {
    const entity = find(name);
    return entity?.kind === 'topic' ? entity : undefined;
  };

  return {
    queues: () => [...roots.values()].filter((entity) => entity.kind === 'queue'),
    topics: () => [...roots.values()].filter((entity) => entity.kind === 'topic'),
    hubs: () => [...roots.values()].filter((entity) => entity.kind === 'hub'),
    find,
    findHub(name: string): HubEntity | undefined {
      const entity = find(name);
      return entity?.kind === 'hub' ? entity : undefined;
    },
    findSubscription: (topic: string, name: string) => findTopic(topic)?.subscriptions.get(name.toLowerCase()),

    /** To what messages can be forwarded. */
    findDestination(name: string): QueueEntity | TopicEntity | undefined {
      const entity = find(name);
      return entity?.kind === 'hub' ? undefined : entity;
    },

    /** All that run: also those that have lost their names, until they are dropped. */
    live: (): Iterable<Entity> => live,
    isLive: (entity: Entity): boolean => live.has(entity),

    /** A subscription after its topic. */
    add(entity: Entity): void {
      live.add(entity);
      if (entity.kind !== 'subscription') roots.set(entity.record.path.toLowerCase(), entity);
      else findTopic(entity.record.topic)?.subscriptions.set(entity.record.definition.name.toLowerCase(), entity);
    },

    /** Nobody finds the entity any more. Answers what goes with it: of a topic its subscriptions, before it. */
    unlist(entity: Entity): readonly Entity[] {
      if (entity.kind === 'subscription') {
        findTopic(entity.record.topic)?.subscriptions.delete(entity.record.definition.name.toLowerCase());
        return [entity];
      }
      roots.delete(entity.record.path.toLowerCase());
      return entity.kind === 'topic' ? [...entity.subscriptions.values(), entity] : [entity];
    },

    drop: (entity: Entity): void => void live.delete(entity),
  };
}
