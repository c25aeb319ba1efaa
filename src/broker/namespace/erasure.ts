import type { EventLogs } from '../log/index.js';
import { definitionKey, deletedLogKey, rangesOfId } from '../store/keys.js';
import type { Store } from '../store/types.js';
import { deletedLogsOf } from './hub-logs.js';
import { type EntityRecord, idsOf } from './records.js';

export interface ErasureDeps {
  readonly store: Pick<Store, 'commit' | 'range' | 'clear'>;
  readonly logs: Pick<EventLogs, 'remove'>;
}

export type Erasure = ReturnType<typeof createErasure>;

/** How entities that are deleted go from the disk: first, in one step, what says that they are there; then what is in them. */
export function createErasure({ store, logs }: ErasureDeps) {
  /** Its files first: without what the store says of it nobody would remove them. */
  async function removeLog(id: number): Promise<void> {
    await logs.remove(id);
    for (const range of rangesOfId(id)) await store.clear(range);
  }

  return {
    /** Resolves when the entities do not come back with the next start. */
    async announce(records: readonly EntityRecord[]): Promise<void> {
      const logIds = records.flatMap((record) => (record.kind === 'hub' ? record.logIds : []));
      await store.commit([
        ...records.map(({ path }) => ({ key: definitionKey(path) })),
        ...logIds.map((id) => ({ key: deletedLogKey(id), value: Buffer.alloc(0) })),
      ]);
    },

    /** Removes what an announced entity held. */
    async erase(record: EntityRecord): Promise<void> {
      if (record.kind === 'hub') for (const id of record.logIds) await removeLog(id);
      else for (const range of idsOf(record).flatMap(rangesOfId)) await store.clear(range);
    },

    /** Goes on where an earlier life was ended: files of hubs that were announced may still be there. */
    async resume(): Promise<void> {
      for (const id of await deletedLogsOf(store)) await removeLog(id);
    },
  };
}
