import type {
  ConsumerGroupInfo,
  ConsumerGroupSettings,
  CreateOutcome,
  DeleteOutcome,
  HubInfo,
  HubSettings,
  HubsPort,
  NewHub,
  UpdateOutcome,
} from '../admin/index.js';
import { checkConsumerGroup, checkHub } from '../topology/hub-limits.js';
import type { HubDefinition } from '../topology/index.js';
import type { Namespace } from './contract.js';
import type { HubEntity } from './entities.js';
import type { GroupNote } from './records.js';

const NOT_FOUND = { kind: 'not-found' } as const;
const EXISTS = { kind: 'exists' } as const;
const DEFAULT_GROUP = '$Default';
/** Of one namespace in the widest tier. */
const MAX_HUBS = 1000;
const MAX_GROUPS = 1000;

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
const compare = (a: string, b: string) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1);

function invalid(check: (complain: (message: string) => void) => void) {
  const problems: string[] = [];
  check((message) => problems.push(message));
  return problems.length === 0 ? undefined : ({ kind: 'invalid', reason: `${problems.join('; ')}.` } as const);
}

const hubInfo = ({ record, runtime }: HubEntity): HubInfo => ({
  definition: record.definition,
  runtime: {
    createdAtMs: record.createdAtMs,
    updatedAtMs: record.updatedAtMs,
    partitionIds: runtime.partitions.map(({ partitionId }) => partitionId),
  },
});

function groupInfo({ record }: HubEntity, name: string): ConsumerGroupInfo {
  const fromFile: GroupNote = { createdAtMs: record.createdAtMs, updatedAtMs: record.createdAtMs };
  const { userMetadata, createdAtMs, updatedAtMs } = record.groups?.[name.toLowerCase()] ?? fromFile;
  return {
    definition: { name, ...(userMetadata === undefined ? {} : { userMetadata }) },
    runtime: { createdAtMs, updatedAtMs },
  };
}

const groupNames = ({ record }: HubEntity) => [DEFAULT_GROUP, ...record.definition.consumerGroups];

/** The hubs as the administration API sees them. Changes run one after the other. */
export function createHubsPort(namespace: Namespace): HubsPort {
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  }

  async function createHub(given: NewHub): Promise<CreateOutcome<HubInfo>> {
    if (namespace.find(given.name) !== undefined) return EXISTS;
    const definition: HubDefinition = { ...given, consumerGroups: [] };
    const problem = invalid((complain) => checkHub(definition, complain));
    if (problem) return problem;
    const count = namespace.hubs().length;
    if (count >= MAX_HUBS) return { kind: 'quota', reason: `There are ${count} hubs, as many as there may be.` };
    return { kind: 'created', info: hubInfo(await namespace.addHub({ kind: 'hub', path: given.name, definition })) };
  }

  async function updateHub(given: HubSettings): Promise<UpdateOutcome<HubInfo>> {
    const hub = namespace.findHub(given.name);
    if (hub === undefined) return NOT_FOUND;
    // What the description leaves out is taken away, but not what it cannot say.
    const { status: _status, userMetadata: _note, capture: _capture, ...kept } = hub.record.definition;
    const definition: HubDefinition = { ...kept, ...given, name: kept.name };
    const problem = invalid((complain) => checkHub(definition, complain));
    if (problem) return problem;
    await namespace.update({ ...hub.record, definition });
    return { kind: 'updated', info: hubInfo(hub) };
  }

  async function deleteHub(name: string): Promise<DeleteOutcome> {
    const hub = namespace.findHub(name);
    if (hub === undefined) return NOT_FOUND;
    await namespace.remove(hub);
    return { kind: 'deleted' };
  }

  async function writeGroup(hub: HubEntity, { name, userMetadata }: ConsumerGroupSettings): Promise<ConsumerGroupInfo> {
    const { record } = hub;
    const key = name.toLowerCase();
    const nowMs = namespace.nowMs();
    const known = groupNames(hub).find((one) => same(one, name));
    const createdAtMs = record.groups?.[key]?.createdAtMs ?? (known ? record.createdAtMs : nowMs);
    const note = { createdAtMs, updatedAtMs: nowMs, ...(userMetadata === undefined ? {} : { userMetadata }) };
    const { definition } = record;
    const consumerGroups = known ? definition.consumerGroups : [...definition.consumerGroups, name];
    await namespace.update({
      ...record,
      definition: { ...definition, consumerGroups },
      groups: { ...record.groups, [key]: note },
    });
    return groupInfo(hub, known ?? name);
  }

  async function createGroup(hubName: string, group: ConsumerGroupSettings): Promise<CreateOutcome<ConsumerGroupInfo>> {
    const hub = namespace.findHub(hubName);
    if (hub === undefined) return NOT_FOUND;
    const names = groupNames(hub);
    if (names.some((name) => same(name, group.name))) return EXISTS;
    const problem = invalid((complain) => checkConsumerGroup(group.name, complain));
    if (problem) return problem;
    if (names.length > MAX_GROUPS) return { kind: 'quota', reason: `The hub has ${names.length} consumer groups.` };
    return { kind: 'created', info: await writeGroup(hub, group) };
  }

  async function updateGroup(hubName: string, group: ConsumerGroupSettings): Promise<UpdateOutcome<ConsumerGroupInfo>> {
    const hub = namespace.findHub(hubName);
    if (hub === undefined || !groupNames(hub).some((name) => same(name, group.name))) return NOT_FOUND;
    return { kind: 'updated', info: await writeGroup(hub, group) };
  }

  async function deleteGroup(hubName: string, name: string) {
    const hub = namespace.findHub(hubName);
    if (hub === undefined || !groupNames(hub).some((one) => same(one, name))) return NOT_FOUND;
    if (same(name, DEFAULT_GROUP)) return { kind: 'refused' } as const;
    const { record } = hub;
    const consumerGroups = record.definition.consumerGroups.filter((one) => !same(one, name));
    const { [name.toLowerCase()]: _gone, ...groups } = record.groups ?? {};
    await namespace.update({ ...record, definition: { ...record.definition, consumerGroups }, groups });
    return { kind: 'deleted' } as const;
  }

  return {
    hubs: () =>
      namespace
        .hubs()
        .map(hubInfo)
        .sort((a, b) => compare(a.definition.name, b.definition.name)),
    hub(name) {
      const hub = namespace.findHub(name);
      return hub && hubInfo(hub);
    },
    createHub: (hub) => inTurn(() => createHub(hub)),
    updateHub: (hub) => inTurn(() => updateHub(hub)),
    deleteHub: (name) => inTurn(() => deleteHub(name)),
    consumerGroups(hubName) {
      const hub = namespace.findHub(hubName);
      return (
        hub &&
        groupNames(hub)
          .sort(compare)
          .map((name) => groupInfo(hub, name))
      );
    },
    createConsumerGroup: (hub, group) => inTurn(() => createGroup(hub, group)),
    updateConsumerGroup: (hub, group) => inTurn(() => updateGroup(hub, group)),
    deleteConsumerGroup: (hub, name) => inTurn(() => deleteGroup(hub, name)),
    partitions(hubName) {
      const hub = namespace.findHub(hubName);
      return hub?.runtime.partitions.map((partition) => ({
        partitionId: partition.partitionId,
        createdAtMs: hub.record.createdAtMs,
        ...partition.facts(),
      }));
    },
  };
}
