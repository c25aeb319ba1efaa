import rhea from 'rhea';
import type { HubEntity, Namespace } from '../namespace/index.js';
import { type AmqpFault, entityNotFound, notImplemented, partitionOutOfRange, unauthorized } from './conditions.js';
import { BadField, textField } from './fields.js';
import type { Grants } from './grants.js';
import { type NodeRequest, type Reply, textProperty } from './requests.js';

const { types } = rhea;
const STRING_CODE = 0xa1;

export const failureReply = (code: number, { condition, description }: AmqpFault): Reply => ({
  properties: {
    'status-code': types.wrap_int(code),
    'status-description': description,
    'error-condition': types.wrap_symbol(condition),
    statusCode: types.wrap_int(code),
    statusDescription: description,
    errorCondition: types.wrap_symbol(condition),
  },
});

const ok = (body: unknown): Reply => ({
  properties: { 'status-code': types.wrap_int(200), 'status-description': 'OK' },
  body,
});

function describeHub({ record, runtime }: HubEntity): unknown {
  const ids = runtime.partitions.map(({ partitionId }) => partitionId);
  return types.wrap_map({
    name: record.definition.name,
    type: 'com.microsoft:eventhub',
    created_at: types.wrap_timestamp(record.createdAtMs),
    partition_count: types.wrap_int(ids.length),
    partition_ids: types.wrap_array(ids, STRING_CODE, undefined),
    georeplication_factor: types.wrap_int(1),
  });
}

function describePartition({ record, runtime }: HubEntity, partitionId: string): unknown {
  const partition = runtime.partition(partitionId);
  if (partition === undefined) return undefined;
  const facts = partition.facts();
  return types.wrap_map({
    name: record.definition.name,
    type: 'com.microsoft:partition',
    partition: partitionId,
    begin_sequence_number: types.wrap_long(facts.firstSequence),
    last_enqueued_sequence_number: types.wrap_long(facts.lastSequence),
    last_enqueued_offset: facts.lastOffset,
    last_enqueued_time_utc: types.wrap_timestamp(facts.lastEnqueuedAtMs),
    is_partition_empty: facts.isEmpty,
  });
}

/** Answers `READ` of a hub or a partition on the management node of Event Hubs. */
export function answerHubRequest(
  deps: { readonly namespace: Namespace; readonly namespaceName: string; readonly grants: Grants },
  request: NodeRequest,
): Reply {
  if (textProperty(request, 'operation') !== 'READ') {
    return failureReply(501, notImplemented('operation: only READ is supported on this node.'));
  }
  const name = textField(request.properties, 'name');
  const token = textProperty(request, 'security_token');
  if (token !== undefined) deps.grants.putToken(`sb://${deps.namespaceName}/${name}`, token);
  if (!deps.grants.covers(`${name}/$management`)) return failureReply(401, unauthorized(deps.namespaceName, name));
  const hub = deps.namespace.findHub(name);
  if (hub === undefined) return failureReply(404, entityNotFound(deps.namespaceName, name));
  const type = textField(request.properties, 'type');
  if (type === 'com.microsoft:eventhub') return ok(describeHub(hub));
  if (type !== 'com.microsoft:partition') {
    throw new BadField('type', 'com.microsoft:eventhub or com.microsoft:partition is expected');
  }
  const partitionId = textField(request.properties, 'partition');
  const description = describePartition(hub, partitionId);
  return description === undefined
    ? failureReply(400, partitionOutOfRange(hub.runtime.partitions.length))
    : ok(description);
}
