import type { Clock } from '../../shared/clock.js';
import { every } from '../../shared/clock.js';
import { compileRouter } from '../entities/index.js';
import { otherFormat, STORE_FORMAT } from '../store/format.js';
import { definitionKey, definitionRange, deletedLogKey, formatKey, idsKey, rangesOfId } from '../store/keys.js';
import type { Store, Write } from '../store/types.js';
import type { Topology } from '../topology/index.js';
import { applyTopology } from './apply-topology.js';
import type { Entity, Namespace } from './contract.js';
import {
  type EntityDeps,
  forgetOldIds,
  type HubEntity,
  openHubEntity,
  openQueueEntity,
  openSubscriptionEntity,
  openTopicEntity,
  type QueueEntity,
  type SubscriptionEntity,
  type TopicEntity,
} from './entities.js';
import { deletedLogsOf } from './hub-logs.js';
import { isIdle } from './idleness.js';
import { decodeRecord, type EntityRecord, encodeRecord, type QueueRecord, type SubscriptionRecord } from './records.js';
import { createTransaction } from './transaction.js';

export type NamespaceDeps = Omit<EntityDeps, 'findDestination'>;

const MAINTENANCE_MS = 60_000;
const MAX_ENTITIES = 100_000;

interface Header {
  readonly format: number;
  readonly createdAtMs: number;
}

async function readHeader(store: Store, clock: Clock): Promise<Header> {
  const bytes = await store.get(formatKey());
  if (bytes === undefined) {
    const header: Header = { format: STORE_FORMAT, createdAtMs: clock.now() };
    await store.commit([{ key: formatKey(), value: encodeRecord(header) }]);
    return header;
  }
  const header = decodeRecord<Header>(bytes);
  if (header.format === STORE_FORMAT) return header;
  throw otherFormat(header.format);
}

/**
 * Opens the namespace that is in the store, and applies the topology to it: what is missing is made, what the topology
 * changed since the last start is changed, and everything else, with all messages, stays.
 * @throws BrokerError PS_BROKER_TOPOLOGY when a hub would lose partitions, or an entity change its kind.
 */
export async function openNamespace(given: NamespaceDeps, topology: Topology): Promise<Namespace> {
  const { store, clock } = given;
  const header = await readHeader(store, clock);
  const roots = new Map<string, QueueEntity | TopicEntity | HubEntity>();
  const live = new Set<Entity>();
  let lastId = (await store.get(idsKey()))?.readUInt32BE(0) ?? 0;

  const deps: EntityDeps = {
    ...given,
    findDestination(path) {
      const entity = roots.get(path.toLowerCase());
      return entity?.kind === 'hub' ? undefined : entity;
    },
  };
  /** Nothing is forwarded before all entities are there. */
  let complete = false;
  let stopped = false;

  const nextId = () => ++lastId;
  const idsWrite = (): Write => {
    const value = Buffer.allocUnsafe(4);
    value.writeUInt32BE(lastId, 0);
    return { key: idsKey(), value };
  };
  const recordWrite = (record: EntityRecord): Write => ({
    key: definitionKey(record.path),
    value: encodeRecord(record),
  });

  async function open(record: EntityRecord): Promise<Entity> {
    const entity = await openEntity(deps, record);
    live.add(entity);
    if (entity.kind !== 'subscription') roots.set(record.path.toLowerCase(), entity);
    else topicOf(entity.record)?.subscriptions.set(entity.record.definition.name.toLowerCase(), entity);
    if (complete) applyForwarding(entity);
    return entity;
  }

  const topicOf = (record: SubscriptionRecord): TopicEntity | undefined => {
    const topic = roots.get(record.topic.toLowerCase());
    return topic?.kind === 'topic' ? topic : undefined;
  };

  async function add<R extends EntityRecord>(record: R): Promise<Entity> {
    await store.commit([idsWrite(), recordWrite(record)]);
    const entity = await open(record);
    await changed();
    return entity;
  }

  const watchers = new Set<() => Promise<void>>();
  const changed = async () => {
    await Promise.all([...watchers].map((watcher) => watcher()));
  };

  /** Stores that are older than transfer dead-letter queues have entities without one. */
  async function withTransferDeadLetters<R extends EntityRecord>(record: R): Promise<R> {
    if (record.kind === 'hub' || record.kind === 'topic' || record.transferDeadLettersId !== undefined) return record;
    const completed = { ...record, transferDeadLettersId: nextId() };
    await store.commit([idsWrite(), recordWrite(completed)]);
    return completed;
  }

  /** Its files first: without what the store says of it nobody would remove them. */
  async function removeLog(id: number): Promise<void> {
    await deps.logs.remove(id);
    for (const range of rangesOfId(id)) await store.clear(range);
  }

  const stamps = () => ({ createdAtMs: clock.now(), updatedAtMs: clock.now() });

  const stored = await store.range({ ...definitionRange(), limit: MAX_ENTITIES });
  const records = stored.map(({ value }) => decodeRecord<EntityRecord>(value));
  // Topics before their subscriptions.
  records.sort((a, b) => Number(a.kind === 'subscription') - Number(b.kind === 'subscription'));
  // What a deletion was ended at.
  for (const id of await deletedLogsOf(store)) await removeLog(id);
  await deps.logs.ensureKnown(new Set(records.flatMap((record) => (record.kind === 'hub' ? record.logIds : []))));
  for (const record of records) await open(await withTransferDeadLetters(record));

  store.onBatch((into) => {
    for (const entity of live) entity.contribute(into);
  });

  async function maintain(): Promise<void> {
    for (const entity of live) {
      if (entity.kind === 'hub') for (const partition of entity.runtime.partitions) await partition.retain();
      if (entity.kind === 'queue' || entity.kind === 'topic') {
        await forgetOldIds(deps, entity.record.historyId, entity.history);
      }
    }
    await noteHubs();
    for (const entity of [...live].filter(isIdle)) {
      // A topic that went took its subscriptions along, and somebody may have come while others were removed.
      if (!stopped && live.has(entity) && isIdle(entity)) await remove(entity);
    }
  }

  /** What is durable of the hubs, so that a start notices when their files are not all there. */
  async function noteHubs(): Promise<void> {
    const writes: Write[] = [];
    for (const entity of live) if (entity.kind === 'hub') entity.contribute(writes);
    if (writes.length > 0) await store.commit(writes);
  }

  const stopMaintenance = every(clock, MAINTENANCE_MS, () => maintain().catch(deps.onError));

  const idsOf = (entity: Exclude<Entity, HubEntity>): number[] => {
    switch (entity.kind) {
      case 'queue':
        return [...storesOf(entity.record), entity.record.historyId];
      case 'subscription':
        return storesOf(entity.record);
      case 'topic':
        return [entity.record.historyId];
    }
  };

  async function removeAll(entities: readonly Entity[]): Promise<void> {
    const logs = entities.flatMap((entity) => (entity.kind === 'hub' ? entity.record.logIds : []));
    await store.commit([
      ...entities.map(({ record }) => ({ key: definitionKey(record.path) })),
      ...logs.map((id) => ({ key: deletedLogKey(id), value: Buffer.alloc(0) })),
    ]);
    for (const entity of entities) {
      live.delete(entity);
      entity.stop();
      entity.deletion.announce();
      if (entity.kind === 'hub') for (const id of entity.record.logIds) await removeLog(id);
      else for (const range of idsOf(entity).flatMap(rangesOfId)) await store.clear(range);
    }
    await changed();
  }

  async function remove(entity: Entity): Promise<void> {
    if (entity.kind === 'subscription') {
      topicOf(entity.record)?.subscriptions.delete(entity.record.definition.name.toLowerCase());
      return removeAll([entity]);
    }
    roots.delete(entity.record.path.toLowerCase());
    await removeAll(entity.kind === 'topic' ? [...entity.subscriptions.values(), entity] : [entity]);
  }

  const namespace: Namespace = {
    createdAtMs: header.createdAtMs,
    nowMs: clock.now,
    queues: () => [...roots.values()].filter((entity) => entity.kind === 'queue'),
    topics: () => [...roots.values()].filter((entity) => entity.kind === 'topic'),
    hubs: () => [...roots.values()].filter((entity) => entity.kind === 'hub'),
    find: (name) => roots.get(name.toLowerCase()),
    findHub(name) {
      const entity = roots.get(name.toLowerCase());
      return entity?.kind === 'hub' ? entity : undefined;
    },
    findSubscription(topic, name) {
      const entity = roots.get(topic.toLowerCase());
      return entity?.kind === 'topic' ? entity.subscriptions.get(name.toLowerCase()) : undefined;
    },
    addQueue: async (record) => {
      const ids = { ...queueIds(nextId), historyId: nextId() };
      return (await add({ ...record, ...ids, ...stamps() })) as QueueEntity;
    },
    addTopic: async (record) => (await add({ ...record, historyId: nextId(), ...stamps() })) as TopicEntity,
    addSubscription: async (record) => {
      roots.get(record.topic.toLowerCase())?.usage.touch();
      return (await add({ ...record, ...queueIds(nextId), ...stamps() })) as SubscriptionEntity;
    },
    addHub: async (record) => {
      const logIds = Array.from({ length: record.definition.partitionCount }, nextId);
      return (await add({ ...record, logIds, ...stamps() })) as HubEntity;
    },
    beginTransaction: () => createTransaction(store),
    async update(record) {
      const updated = { ...record, updatedAtMs: clock.now() };
      for (const entity of live) if (entity.record.path === record.path) entity.usage.touch();
      await store.commit([recordWrite(updated)]);
      for (const entity of live) {
        if (entity.record.path !== record.path) continue;
        applyRecord(entity, updated);
        entity.deletion.changed();
        if (complete) applyForwarding(entity);
      }
      await changed();
    },
    remove,
    watch(watcher) {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    maintain,
    stop() {
      stopped = true;
      stopMaintenance();
      for (const entity of live) entity.stop();
    },
  };
  await applyTopology(namespace, topology);
  complete = true;
  for (const entity of live) applyForwarding(entity);
  // Only now: what is due goes to entities that all have to be there.
  for (const entity of live) {
    if (entity.kind === 'queue' || entity.kind === 'topic') entity.scheduler.start();
    if (entity.kind === 'queue' || entity.kind === 'subscription') entity.queue.start();
  }
  return namespace;
}

const queueIds = (nextId: () => number) => ({
  storeId: nextId(),
  deadLettersId: nextId(),
  transferDeadLettersId: nextId(),
});

const storesOf = ({ storeId, deadLettersId, transferDeadLettersId }: QueueRecord | SubscriptionRecord): number[] => [
  storeId,
  deadLettersId,
  transferDeadLettersId,
];

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

function openEntity(deps: EntityDeps, record: EntityRecord): Promise<Entity> {
  switch (record.kind) {
    case 'queue':
      return openQueueEntity(deps, record);
    case 'topic':
      return openTopicEntity(deps, record);
    case 'subscription':
      return openSubscriptionEntity(deps, record);
    case 'hub':
      return openHubEntity(deps, record);
  }
}
