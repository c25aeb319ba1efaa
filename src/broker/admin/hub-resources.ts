import {
  consumerGroupEntry,
  hubEntry,
  partitionEntry,
  readConsumerGroup,
  readHub,
  readNewHub,
} from './descriptions/hub.js';
import { badRequest, entityNotFound, notChangeable } from './errors.js';
import type { ConsumerGroupInfo, HubInfo, HubsPort, PartitionInfo } from './hubs-port.js';
import { expectRoot, type Listing, listingOf, type Resource, settled } from './resource.js';
import type { HubTarget } from './target.js';
import type { Element } from './xml.js';

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

function hubPath(target: HubTarget): string {
  switch (target.kind) {
    case 'hubs':
      return '$Resources/EventHubs';
    case 'hub':
      return target.name;
    case 'consumer-groups':
      return `${target.hub}/ConsumerGroups`;
    case 'consumer-group':
      return `${target.hub}/ConsumerGroups/${target.name}`;
    case 'partitions':
      return `${target.hub}/ConsumerGroups/${target.group}/Partitions`;
    case 'partition':
      return `${target.hub}/ConsumerGroups/${target.group}/Partitions/${target.partitionId}`;
  }
}

type Target<Kind extends HubTarget['kind']> = Extract<HubTarget, { kind: Kind }>;

/** Event hubs over the management API, as Event Hubs itself has it (api-version 2014-01): hubs, consumer groups, partitions. */
export function createHubResource(port: HubsPort, target: HubTarget, namespaceName: string): Resource {
  const path = hubPath(target);
  const missing = () => entityNotFound(path);

  function hubOf(name: string): HubInfo {
    const info = port.hub(name);
    if (!info) throw missing();
    return info;
  }
  function groupOf(hub: string, name: string): ConsumerGroupInfo {
    const info = port.consumerGroups(hub)?.find(({ definition }) => same(definition.name, name));
    if (!info) throw missing();
    return info;
  }
  const toGroup = (hub: string) => (info: ConsumerGroupInfo) => consumerGroupEntry(hubOf(hub).definition.name, info);
  const toPartition = ({ hub, group }: { hub: string; group: string }) => {
    const names = [hubOf(hub).definition.name, groupOf(hub, group).definition.name];
    return (info: PartitionInfo) => partitionEntry(names.join('/ConsumerGroups/'), info);
  };

  function list(): Listing | undefined {
    if (target.kind === 'hubs') return listingOf(path, port.hubs(), hubEntry);
    if (target.kind === 'consumer-groups') return listingOf(path, port.consumerGroups(target.hub), toGroup(target.hub));
    if (target.kind !== 'partitions') return undefined;
    return listingOf(path, port.partitions(target.hub), toPartition(target));
  }

  function get() {
    if (target.kind === 'hub') return hubEntry(hubOf(target.name));
    if (target.kind === 'consumer-group') return toGroup(target.hub)(groupOf(target.hub, target.name));
    if (target.kind !== 'partition') return undefined;
    const info = port.partitions(target.hub)?.find(({ partitionId }) => partitionId === target.partitionId);
    if (!info) throw missing();
    return toPartition(target)(info);
  }

  async function writeHub({ name }: Target<'hub'>, description: Element, isUpdate: boolean) {
    expectRoot(description, 'EventHubDescription');
    const given = { name, description, namespaceName };
    const outcome = isUpdate
      ? await port.updateHub(readHub(hubOf(name), given))
      : await port.createHub(readNewHub(given));
    return hubEntry(settled<HubInfo>(outcome, path));
  }

  async function writeGroup({ hub, name }: Target<'consumer-group'>, description: Element, isUpdate: boolean) {
    expectRoot(description, 'ConsumerGroupDescription');
    const outcome = isUpdate
      ? await port.updateConsumerGroup(hub, readConsumerGroup(name, description, groupOf(hub, name).definition))
      : await port.createConsumerGroup(hub, readConsumerGroup(name, description));
    return toGroup(hub)(settled<ConsumerGroupInfo>(outcome, path));
  }

  async function write(description: Element, isUpdate: boolean) {
    if (target.kind === 'hub') return writeHub(target, description, isUpdate);
    if (target.kind === 'consumer-group') return writeGroup(target, description, isUpdate);
    throw notChangeable(path);
  }

  async function remove(): Promise<void> {
    if (target.kind === 'hub') {
      if ((await port.deleteHub(target.name)).kind === 'not-found') throw missing();
    } else if (target.kind === 'consumer-group') {
      const { kind } = await port.deleteConsumerGroup(target.hub, target.name);
      if (kind === 'not-found') throw missing();
      if (kind === 'refused') throw badRequest('The consumer group $Default cannot be deleted.');
    } else {
      throw notChangeable(path);
    }
  }

  return {
    list,
    get,
    create: (description) => write(description, false),
    update: (description) => write(description, true),
    remove,
  };
}
