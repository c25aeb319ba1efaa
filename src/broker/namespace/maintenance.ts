import { type Clock, every } from '../../shared/clock.js';
import type { DuplicateHistory } from '../entities/index.js';
import { historyTimeFrom, timeOfHistoryKey } from '../store/keys.js';
import type { Store, Write } from '../store/types.js';
import type { Entity } from './entities.js';
import { isIdle } from './idleness.js';

export interface MaintenanceDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly entities: { live(): Iterable<Entity>; isLive(entity: Entity): boolean };
  readonly remove: (entity: Entity) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

const MAINTENANCE_MS = 60_000;
const FORGET_AT_ONCE = 200;

/** What is done every minute: what is older than retention and windows is forgotten, and what is idle removed. */
export function startMaintenance({ store, clock, entities, remove, onError }: MaintenanceDeps) {
  let stopped = false;

  async function forget(entity: Entity): Promise<void> {
    if (entity.kind === 'hub') for (const partition of entity.runtime.partitions) await partition.retain();
    if (entity.kind === 'queue' || entity.kind === 'topic') {
      await forgetOldIds({ store, clock }, entity.record.historyId, entity.history);
    }
  }

  /** What is durable of the hubs, so that a start notices when their files are not all there. */
  async function noteHubs(): Promise<void> {
    const writes: Write[] = [];
    for (const entity of entities.live()) if (entity.kind === 'hub') entity.contribute(writes);
    if (writes.length > 0) await store.commit(writes);
  }

  async function run(): Promise<void> {
    for (const entity of entities.live()) await forget(entity);
    await noteHubs();
    for (const entity of [...entities.live()].filter(isIdle)) {
      // A topic that went took its subscriptions along, and somebody may have come while others were removed.
      if (!stopped && entities.isLive(entity) && isIdle(entity)) await remove(entity);
    }
  }

  const stopTimer = every(clock, MAINTENANCE_MS, () => run().catch(onError));

  return {
    run,
    stop(): void {
      stopped = true;
      stopTimer();
    },
  };
}

/** Removes from the store what duplicate detection need not remember any more. */
async function forgetOldIds(
  { store, clock }: Pick<MaintenanceDeps, 'store' | 'clock'>,
  historyId: number,
  history: DuplicateHistory,
): Promise<void> {
  for (;;) {
    const rows = await store.range({
      from: historyTimeFrom(historyId, 0),
      to: historyTimeFrom(historyId, history.forgettableMs(clock.now())),
      limit: FORGET_AT_ONCE,
    });
    if (rows.length === 0) return;
    for (const { key, value } of rows) {
      const ids = JSON.parse(value.toString('utf8')) as string[];
      const stored = await store.getMany(ids.map(history.key));
      await store.commit(history.forget({ key, timeMs: timeOfHistoryKey(key) }, ids, stored));
    }
  }
}
