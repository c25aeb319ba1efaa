import type { Clock } from '../../shared/clock.js';
import { compileRouter } from '../entities/index.js';
import type { Definitions } from './definitions.js';
import type { Directory } from './directory.js';
import type { Entity } from './entities.js';
import type { Erasure } from './erasure.js';
import type { EntityRecord } from './records.js';

export interface EntityChangesDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly definitions: Pick<Definitions, 'add' | 'replace'>;
  readonly directory: Pick<Directory, 'add' | 'live' | 'unlist' | 'drop'>;
  readonly erasure: Pick<Erasure, 'announce' | 'erase'>;
  /** Makes what a record describes run. */
  readonly open: (record: EntityRecord) => Promise<Entity>;
}

type EntityOf<R extends EntityRecord> = Extract<Entity, { readonly kind: R['kind'] }>;

/** How entities come, get other settings and go: on disk first, then in the directory, and then whoever watches is told. */
export function createEntityChanges({ clock, definitions, directory, erasure, open: openEntity }: EntityChangesDeps) {
  const watchers = new Set<() => Promise<void>>();
  let forwarding = false;

  const changed = async () => {
    await Promise.all([...watchers].map((watcher) => watcher()));
  };

  /** What is in the store already comes to run. */
  async function open(record: EntityRecord): Promise<Entity> {
    const entity = await openEntity(record);
    directory.add(entity);
    if (forwarding) applyForwarding(entity);
    return entity;
  }

  const withPath = (path: string) => [...directory.live()].filter(({ record }) => record.path === path);

  return {
    open,

    async add<R extends EntityRecord>(record: R): Promise<EntityOf<R>> {
      await definitions.add(record);
      const entity = await open(record);
      await changed();
      return entity as EntityOf<R>;
    },

    async update(record: EntityRecord): Promise<void> {
      const updated = { ...record, updatedAtMs: clock.now() };
      for (const entity of withPath(record.path)) entity.usage.touch();
      await definitions.replace(updated);
      for (const entity of withPath(record.path)) {
        applyRecord(entity, updated);
        entity.deletion.changed();
        if (forwarding) applyForwarding(entity);
      }
      await changed();
    },

    async remove(entity: Entity): Promise<void> {
      const leaving = directory.unlist(entity);
      await erasure.announce(leaving.map(({ record }) => record));
      for (const one of leaving) {
        directory.drop(one);
        one.stop();
        one.deletion.announce();
        await erasure.erase(one.record);
      }
      await changed();
    },

    watch(watcher: () => Promise<void>): () => void {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },

    /** All entities are there: what is to be forwarded is from now on. */
    startForwarding(): void {
      forwarding = true;
      for (const entity of directory.live()) applyForwarding(entity);
    },
  };
}

function applyForwarding(entity: Entity): void {
  if (entity.kind === 'queue' || entity.kind === 'subscription') entity.forwarding.apply();
}

/** Lets a running entity take its new settings. */
function applyRecord(entity: Entity, record: EntityRecord): void {
  if (entity.kind === 'subscription' && record.kind === 'subscription') {
    entity.router = compileRouter(record.definition.rules);
  }
  // The record has the kind of its entity: both are found by the same path.
  (entity as { record: EntityRecord }).record = record;
}
