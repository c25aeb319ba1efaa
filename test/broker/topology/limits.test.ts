import { describe, expect, it } from 'vitest';
import { topologyFromArm } from '../../../src/broker/topology/arm.js';
import type { JsonObject } from '../../../src/broker/topology/json.js';
import { checkTopology } from '../../../src/broker/topology/limits.js';

const problems = (...resources: JsonObject[]) => checkTopology(topologyFromArm({ resources }));
const queue = (name: string, properties: JsonObject = {}) => ({
  type: 'Microsoft.ServiceBus/namespaces/queues',
  name: `ns/${name}`,
  properties,
});
const hub = (name: string, properties: JsonObject = {}) => ({
  type: 'Microsoft.EventHub/namespaces/eventhubs',
  name: `ns/${name}`,
  properties,
});

const captured = (settings: JsonObject, archiveNameFormat?: string, blobContainer = 'raw') => {
  const properties = { blobContainer, ...(archiveNameFormat === undefined ? {} : { archiveNameFormat }) };
  const destination = { name: 'EventHubArchive.AzureBlockBlob', properties };
  return hub('h', { captureDescription: { enabled: true, destination, ...settings } });
};

describe('checkTopology', () => {
  it('finds nothing wrong with entities at their defaults', () => {
    expect(problems(queue('q'), hub('h'))).toEqual([]);
    expect(problems(captured({}))).toEqual([]);
  });

  it.each<[string, JsonObject]>([
    ['a lock longer than five minutes', queue('q', { lockDuration: 'PT6M' })],
    ['a lock below five seconds', queue('q', { lockDuration: 'PT1S' })],
    ['no deliveries at all', queue('q', { maxDeliveryCount: 0 })],
    ['a duplicate window beyond a week', queue('q', { duplicateDetectionHistoryTimeWindow: 'P8D' })],
    ['a name that ends with a hyphen', queue('q-')],
    ['a name with a blank', queue('my queue')],
    ['a name that is too long', queue('q'.repeat(261))],
    ['forwarding to nowhere', queue('q', { forwardTo: 'none' })],
    ['no partitions', hub('h', { partitionCount: 0 })],
    ['retention beyond 90 days', hub('h', { messageRetentionInDays: 91 })],
    ['capture more often than every minute', captured({ intervalInSeconds: 59 })],
    ['capture files beyond 500 MiB', captured({ sizeLimitInBytes: 524_288_001 })],
    ['capture files whose names do not tell partitions apart', captured({}, '{Namespace}/{EventHub}/{Year}')],
    ['capture to a container that cannot be', captured({}, undefined, 'Raw--data')],
  ])('reports %s', (_what, resource) => {
    expect(problems(resource)).toHaveLength(1);
  });

  it('reports names that differ only in case', () => {
    expect(problems(queue('Orders'), queue('orders'))).toEqual(['queues and topics: there are two named orders']);
  });

  it('reports a queue that forwards to itself, and lets one forward to another', () => {
    expect(problems(queue('a', { forwardTo: 'A' }))).toEqual(['queue a: forwardTo is the queue itself']);
    expect(problems(queue('a', { forwardTo: 'b' }), queue('b'))).toEqual([]);
  });

  it('reports every fault, not only the first', () => {
    expect(problems(queue('q-', { maxDeliveryCount: 0, lockDuration: 'PT6M' }))).toHaveLength(3);
  });

  it('reports a filter that is no SQL', () => {
    const rule = {
      type: 'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules',
      name: 'ns/t/s/r',
      properties: { sqlFilter: { sqlExpression: 'type ==' } },
    };
    const topic = { type: 'Microsoft.ServiceBus/namespaces/topics', name: 'ns/t' };
    const subscription = { type: `${topic.type}/subscriptions`, name: 'ns/t/s' };
    expect(problems(topic, subscription, rule)).toEqual([expect.stringMatching(/^topic t, subscription s, rule r: /)]);
  });
});
