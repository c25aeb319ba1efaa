import type { KnownLog } from '../log/index.js';
import { deletedLogRange, logOfDeletedKey, logStateKey } from '../store/keys.js';
import type { Store } from '../store/types.js';
import { readDefinitions } from './definitions.js';
import { decodeLogState } from './states.js';

const MAX_ENTITIES = 100_000;

/** What the store knows of the files of hubs, for who looks after them while the namespace is not open. */
export async function hubLogsOf(store: Pick<Store, 'range' | 'getMany'>): Promise<readonly KnownLog[]> {
  const logs: KnownLog[] = [];
  for (const record of await readDefinitions(store)) {
    if (record.kind !== 'hub') continue;
    const states = await store.getMany(record.logIds.map(logStateKey));
    for (const [partition, id] of record.logIds.entries()) {
      const { nextSequence, lastEnqueuedAtMs } = decodeLogState(states[partition]);
      logs.push({ id, name: `${record.path}/${partition}`, nextSequence, lastEnqueuedAtMs });
    }
  }
  return logs;
}

/** The partitions of hubs that were deleted, whose files may still be there. */
export async function deletedLogsOf(store: Pick<Store, 'range'>): Promise<readonly number[]> {
  const rows = await store.range({ ...deletedLogRange(), limit: MAX_ENTITIES });
  return rows.map(({ key }) => logOfDeletedKey(key));
}
