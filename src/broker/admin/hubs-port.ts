import type { CaptureDefinition, EntityStatus, HubDefinition } from '../topology/types.js';
import type { CreateOutcome, DeleteOutcome, UpdateOutcome } from './namespace-port.js';

interface Stamps {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface HubInfo {
  readonly definition: HubDefinition;
  readonly runtime: Stamps & { readonly partitionIds: readonly string[] };
}

export interface ConsumerGroupSettings {
  readonly name: string;
  readonly userMetadata?: string;
}

export interface ConsumerGroupInfo {
  readonly definition: ConsumerGroupSettings;
  readonly runtime: Stamps;
}

/** What an update may change of a hub. */
export interface HubSettings {
  readonly name: string;
  readonly retentionMs: number;
  readonly status?: EntityStatus;
  readonly userMetadata?: string;
  /** Absent: the hub is not captured. */
  readonly capture?: CaptureDefinition;
}

export interface NewHub extends HubSettings {
  readonly partitionCount: number;
}

export interface PartitionInfo {
  readonly partitionId: string;
  readonly createdAtMs: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly lastOffset: string;
  readonly lastEnqueuedAtMs: number;
}

/** What the administration API needs of the hubs. As with queues, changes are durable when they resolve and names ignore case. */
export interface HubsPort {
  hubs(): readonly HubInfo[];
  hub(name: string): HubInfo | undefined;
  createHub(hub: NewHub): Promise<CreateOutcome<HubInfo>>;
  /** Keeps the partitions, with their events, and the consumer groups. */
  updateHub(hub: HubSettings): Promise<UpdateOutcome<HubInfo>>;
  deleteHub(name: string): Promise<DeleteOutcome>;

  /** Undefined when the hub is not there. `$Default` is always there. */
  consumerGroups(hub: string): readonly ConsumerGroupInfo[] | undefined;
  createConsumerGroup(hub: string, group: ConsumerGroupSettings): Promise<CreateOutcome<ConsumerGroupInfo>>;
  updateConsumerGroup(hub: string, group: ConsumerGroupSettings): Promise<UpdateOutcome<ConsumerGroupInfo>>;
  /** `$Default` cannot be deleted. */
  deleteConsumerGroup(hub: string, name: string): Promise<DeleteOutcome | { readonly kind: 'refused' }>;

  partitions(hub: string): readonly PartitionInfo[] | undefined;
}
