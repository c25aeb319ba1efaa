import type { EntityStatus } from '../../topology/types.js';
import type { Entry } from '../atom.js';
import { badRequest } from '../errors.js';
import { createFields } from '../fields.js';
import type {
  ConsumerGroupInfo,
  ConsumerGroupSettings,
  HubInfo,
  HubSettings,
  NewHub,
  PartitionInfo,
} from '../hubs-port.js';
import { childOf, type Element, field, tag, timeField, type Xml } from '../xml.js';
import { captureElement, readCaptureElement } from './capture.js';

const DAY_MS = 86_400_000;
const ARRAYS = 'http://schemas.microsoft.com/2003/10/Serialization/Arrays';
const STATUSES: readonly EntityStatus[] = ['Active', 'Disabled', 'SendDisabled', 'ReceiveDisabled'];
/** Azure's defaults of a new hub. */
const DEFAULT_DAYS = 7;
const DEFAULT_PARTITIONS = 4;

const daysOf = (retentionMs: number) => Math.ceil(retentionMs / DAY_MS);

/** An empty note takes the note away; an absent one keeps it. */
function noteOf(given: string | undefined, existing: string | undefined): { readonly userMetadata?: string } {
  const note = given ?? existing ?? '';
  return note === '' ? {} : { userMetadata: note };
}

/** A description as it was given, of a hub of that name. */
export interface GivenHub {
  readonly name: string;
  readonly description: Element;
  /** What `{Namespace}` stands for in the names of captured files. */
  readonly namespaceName: string;
}

/** What leaves Capture out keeps it as it is; what describes it says all of it. */
function captureOf({ description, namespaceName }: GivenHub, existing?: HubSettings) {
  const element = childOf(description, 'CaptureDescription');
  if (element === undefined || element.children.length === 0) return existing?.capture;
  return readCaptureElement(element, existing?.capture?.namespace ?? namespaceName);
}

function readSettings(given: GivenHub, existing?: HubSettings): HubSettings {
  const fields = createFields(given.description);
  fields.only('AuthorizationRules');
  const shownDays = existing ? daysOf(existing.retentionMs) : DEFAULT_DAYS;
  const days = fields.integer('MessageRetentionInDays', shownDays);
  const status = fields.oneOf('Status', STATUSES, existing?.status ?? 'Active');
  const capture = captureOf(given, existing);
  return {
    name: given.name,
    // A retention of hours, which comes from a template, is shown in days and must not become days by that.
    retentionMs: existing && days === shownDays ? existing.retentionMs : days * DAY_MS,
    ...(status === 'Active' ? {} : { status }),
    ...noteOf(fields.given('UserMetadata'), existing?.userMetadata),
    ...(capture === undefined ? {} : { capture }),
  };
}

/** Reads an EventHubDescription of a new hub. */
export const readNewHub = (given: GivenHub): NewHub => ({
  ...readSettings(given),
  partitionCount: createFields(given.description).integer('PartitionCount', DEFAULT_PARTITIONS),
});

/** Reads an EventHubDescription of a hub that is there. */
export function readHub({ definition }: HubInfo, given: GivenHub): HubSettings {
  const count = createFields(given.description).integer('PartitionCount', definition.partitionCount);
  if (count !== definition.partitionCount) {
    throw badRequest('The value of PartitionCount of an existing event hub cannot be changed.');
  }
  return readSettings({ ...given, name: definition.name }, definition);
}

const times = ({ createdAtMs, updatedAtMs }: { createdAtMs: number; updatedAtMs: number }): Xml[] => [
  timeField('CreatedAt', createdAtMs),
  timeField('UpdatedAt', updatedAtMs),
];

export function hubEntry({ definition, runtime }: HubInfo): Entry {
  const { name, retentionMs, partitionCount, status = 'Active', userMetadata, capture } = definition;
  const ids = runtime.partitionIds.map((id) => tag('d2p1:string', {}, id));
  return {
    path: name,
    title: name,
    createdAtMs: runtime.createdAtMs,
    updatedAtMs: runtime.updatedAtMs,
    root: 'EventHubDescription',
    fields: [
      field('MessageRetentionInDays', daysOf(retentionMs)),
      tag('AuthorizationRules', {}),
      field('Status', status),
      field('UserMetadata', userMetadata),
      ...times(runtime),
      field('PartitionCount', partitionCount),
      tag('PartitionIds', { 'xmlns:d2p1': ARRAYS }, ...ids),
      capture && captureElement(capture),
      field('EntityAvailabilityStatus', 'Available'),
    ],
  };
}

/** Reads a ConsumerGroupDescription. */
export const readConsumerGroup = (
  name: string,
  description: Element,
  existing?: ConsumerGroupSettings,
): ConsumerGroupSettings => ({
  name,
  ...noteOf(createFields(description).given('UserMetadata'), existing?.userMetadata),
});

export const consumerGroupEntry = (hub: string, { definition, runtime }: ConsumerGroupInfo): Entry => ({
  path: `${hub}/ConsumerGroups/${definition.name}`,
  title: definition.name,
  createdAtMs: runtime.createdAtMs,
  updatedAtMs: runtime.updatedAtMs,
  root: 'ConsumerGroupDescription',
  fields: [...times(runtime), field('UserMetadata', definition.userMetadata)],
});

export const partitionEntry = (groupPath: string, partition: PartitionInfo): Entry => ({
  path: `${groupPath}/Partitions/${partition.partitionId}`,
  title: partition.partitionId,
  createdAtMs: partition.createdAtMs,
  updatedAtMs: Math.max(partition.createdAtMs, partition.lastEnqueuedAtMs),
  root: 'PartitionDescription',
  fields: [
    field('BeginSequenceNumber', partition.firstSequence),
    field('EndSequenceNumber', partition.lastSequence),
    field('LastEnqueuedOffset', partition.lastOffset),
    timeField('LastEnqueuedTimeUtc', partition.lastEnqueuedAtMs),
  ],
});
