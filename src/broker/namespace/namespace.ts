import type { Topology } from '../topology/index.js';
import { applyTopology } from './apply-topology.js';
import type { Namespace } from './contract.js';
import { openDefinitions } from './definitions.js';
import { createDirectory } from './directory.js';
import { type EntityDeps, openEntity } from './entities.js';
import { createEntityChanges } from './entity-changes.js';
import { createErasure } from './erasure.js';
import { startMaintenance } from './maintenance.js';
import { createTransaction } from './transaction.js';

export type NamespaceDeps = Omit<EntityDeps, 'findDestination'>;

/**
 * Opens the namespace that is in the store, and applies the topology to it: what is missing is made, what the topology
 * changed since the last start is changed, and everything else, with all messages, stays.
 * @throws BrokerError PS_BROKER_TOPOLOGY when a hub would lose partitions, or an entity change its kind.
 */
export async function openNamespace(given: NamespaceDeps, topology: Topology): Promise<Namespace> {
  const parts = await openStored(given);
  const { directory, changes } = parts;
  given.store.onBatch((into) => {
    for (const entity of directory.live()) entity.contribute(into);
  });
  const namespace = createNamespace(given, parts);
  await applyTopology(namespace, topology);
  changes.startForwarding();
  // Only now: what is due goes to entities that all have to be there.
  for (const entity of directory.live()) {
    if (entity.kind === 'queue' || entity.kind === 'topic') entity.scheduler.start();
    if (entity.kind === 'queue' || entity.kind === 'subscription') entity.queue.start();
  }
  return namespace;
}

type Parts = Awaited<ReturnType<typeof openStored>>;

/** Lets the entities run that are in the store. */
async function openStored(given: NamespaceDeps) {
  const { store, clock, logs } = given;
  const definitions = await openDefinitions(store, clock);
  const directory = createDirectory();
  const deps: EntityDeps = { ...given, findDestination: directory.findDestination };
  const erasure = createErasure({ store, logs });
  const changes = createEntityChanges({
    ...{ clock, definitions, directory, erasure },
    open: (record) => openEntity(deps, record),
  });
  const records = await definitions.read();
  await erasure.resume();
  await logs.ensureKnown(new Set(records.flatMap((record) => (record.kind === 'hub' ? record.logIds : []))));
  for (const record of records) await changes.open(await definitions.withTransferDeadLetters(record));
  return { definitions, directory, changes };
}

function createNamespace({ store, clock, onError }: NamespaceDeps, parts: Parts): Namespace {
  const { definitions, directory, changes } = parts;
  const { nextId, queueIds } = definitions;
  const stamps = () => ({ createdAtMs: clock.now(), updatedAtMs: clock.now() });
  const maintenance = startMaintenance({ store, clock, entities: directory, remove: changes.remove, onError });
  return {
    createdAtMs: definitions.createdAtMs,
    nowMs: clock.now,
    queues: directory.queues,
    topics: directory.topics,
    hubs: directory.hubs,
    find: directory.find,
    findHub: directory.findHub,
    findSubscription: directory.findSubscription,
    addQueue: (record) => changes.add({ ...record, ...queueIds(), historyId: nextId(), ...stamps() }),
    addTopic: (record) => changes.add({ ...record, historyId: nextId(), ...stamps() }),
    addSubscription(record) {
      directory.find(record.topic)?.usage.touch();
      return changes.add({ ...record, ...queueIds(), ...stamps() });
    },
    addHub(record) {
      const logIds = Array.from({ length: record.definition.partitionCount }, nextId);
      return changes.add({ ...record, logIds, ...stamps() });
    },
    beginTransaction: () => createTransaction(store),
    update: changes.update,
    remove: changes.remove,
    watch: changes.watch,
    maintain: maintenance.run,
    stop() {
      maintenance.stop();
      for (const entity of directory.live()) entity.stop();
    },
  };
}
