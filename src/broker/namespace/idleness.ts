import type { Entity } from './entities.js';

/**
 * Whether an entity goes now because nobody has used it for so long as its settings say. What counts as use is in the
 * service's documentation (message expiration, idleness): sends, receives, peeks, changes, and scheduled messages that wait.
 * Messages alone keep nothing alive. An entity that forwards is never idle: forwarding receives from it.
 */
export function isIdle(entity: Entity): boolean {
  if (entity.kind === 'hub') return false;
  const { definition } = entity.record;
  if (definition.autoDeleteOnIdleMs === undefined || entity.usage.idleMs() < definition.autoDeleteOnIdleMs)
    return false;
  if (entity.kind !== 'topic' && entity.record.definition.forwardTo !== undefined) return false;
  return entity.kind === 'subscription' || entity.scheduler.facts().count === 0;
}
