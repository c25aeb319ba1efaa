import { describe, expect, it } from 'vitest';
import { topologyFromArm } from '../../../src/broker/topology/arm.js';
import type { Json, JsonObject } from '../../../src/broker/topology/json.js';

const bus = 'Microsoft.ServiceBus/namespaces';
const hubs = 'Microsoft.EventHub/namespaces';
const read = (...resources: JsonObject[]) => topologyFromArm({ resources });
const topic = { type: `${bus}/topics`, name: 'ns/t' };
const subscription = { type: `${bus}/topics/subscriptions`, name: 'ns/t/s' };
const rule = (properties: Json, name = 'r') => ({
  type: `${subscription.type}/rules`,
  name: `ns/t/s/${name}`,
  properties,
});
const rulesOf = (...rules: JsonObject[]) => read(topic, subscription, ...rules).topics[0]?.subscriptions[0]?.rules;

describe('entities without settings', () => {
  it('have the defaults of Azure', () => {
    expect(read(topic, subscription, { type: `${bus}/queues`, name: 'ns/q' })).toEqual({
      queues: [
        {
          name: 'q',
          lockDurationMs: 60_000,
          maxDeliveryCount: 10,
          defaultMessageTimeToLiveMs: Infinity,
          deadLetteringOnMessageExpiration: false,
          requiresSession: false,
          requiresDuplicateDetection: false,
          duplicateDetectionHistoryTimeWindowMs: 600_000,
        },
      ],
      topics: [
        {
          name: 't',
          requiresDuplicateDetection: false,
          duplicateDetectionHistoryTimeWindowMs: 600_000,
          defaultMessageTimeToLiveMs: Infinity,
          subscriptions: [
            {
              name: 's',
              lockDurationMs: 60_000,
              maxDeliveryCount: 10,
              defaultMessageTimeToLiveMs: Infinity,
              deadLetteringOnMessageExpiration: false,
              deadLetteringOnFilterEvaluationExceptions: true,
              requiresSession: false,
              rules: [{ name: '$Default', filter: { kind: 'true' } }],
            },
          ],
        },
      ],
      hubs: [],
      authorizationRules: [],
    });
  });
});

describe('rules', () => {
  it('stand beside $Default, as on Azure', () => {
    expect(rulesOf(rule({ sqlFilter: { sqlExpression: 'a > 1' } }))?.map(({ name }) => name)).toEqual([
      '$Default',
      'r',
    ]);
  });

  it('named $Default take its place', () => {
    expect(rulesOf(rule({ filterType: 'SqlFilter', sqlFilter: { sqlExpression: 'a > 1' } }, '$Default'))).toEqual([
      { name: '$Default', filter: { kind: 'sql', expression: 'a > 1' } },
    ]);
  });

  it('know the true and the false filter by their text', () => {
    const kinds = ['1=1', '1 = 0'].map((sqlExpression) => rulesOf(rule({ sqlFilter: { sqlExpression } }))?.[1]?.filter);
    expect(kinds).toEqual([{ kind: 'true' }, { kind: 'false' }]);
  });

  it('carry correlation filters, whose label is the subject, and actions', () => {
    const properties = {
      filterType: 'CorrelationFilter',
      correlationFilter: { label: 'l', contentType: 'c', properties: { type: 'x' } },
      action: { sqlExpression: "SET a = 'b'" },
    };
    expect(rulesOf(rule(properties))?.[1]).toEqual({
      name: 'r',
      filter: { kind: 'correlation', correlation: { subject: 'l', contentType: 'c', properties: { type: 'x' } } },
      action: "SET a = 'b'",
    });
  });

  it.each<[string, JsonObject]>([
    ['no filter', {}],
    ['a type without its filter', { filterType: 'CorrelationFilter', sqlFilter: { sqlExpression: '1=1' } }],
    ['an unknown type', { filterType: 'Magic', sqlFilter: { sqlExpression: '1=1' } }],
    ['a correlation with nothing', { correlationFilter: {} }],
    ['a correlation with a number', { correlationFilter: { properties: { type: 3 } } }],
  ])('with %s are refused', (_what, properties) => {
    expect(() => rulesOf(rule(properties))).toThrow(expect.objectContaining({ code: 'PS_TOPOLOGY_INVALID' }));
  });
});

describe('hubs', () => {
  const hub = (properties: JsonObject) => ({ type: `${hubs}/eventhubs`, name: 'ns/h', properties });

  it('have partitions, retention in hours or days, and groups beside $Default', () => {
    const groups = ['a', '$Default'].map((name) => ({
      type: `${hubs}/eventhubs/consumergroups`,
      name: `ns/h/${name}`,
    }));
    const found = read(hub({ partitionCount: 8, retentionDescription: { retentionTimeInHours: 36 } }), ...groups);
    expect(found.hubs).toEqual([{ name: 'h', partitionCount: 8, retentionMs: 129_600_000, consumerGroups: ['a'] }]);
    expect(read(hub({ messageRetentionInDays: 2 })).hubs[0]?.retentionMs).toBe(172_800_000);
  });
});

describe('a resource that does not fit', () => {
  it.each<[string, JsonObject, string]>([
    [
      'a duration of another format',
      { ...topic, properties: { defaultMessageTimeToLive: '14 days' } },
      '$.resources[0].properties.defaultMessageTimeToLive',
    ],
    [
      'text in place of a number',
      { type: `${bus}/queues`, name: 'ns/q', properties: { maxDeliveryCount: '10' } },
      '$.resources[0].properties.maxDeliveryCount',
    ],
    [
      'text in place of a boolean',
      { ...topic, properties: { requiresDuplicateDetection: 'true' } },
      '$.resources[0].properties.requiresDuplicateDetection',
    ],
    ['a name with too few parts', { ...topic, name: 't' }, '$.resources[0]'],
    ['a parent that is not there', subscription, '$.resources[0]'],
  ])('for %s is refused by JSON path', (_what, resource, path) => {
    expect(() => read(resource)).toThrow(
      expect.objectContaining({ code: 'PS_TOPOLOGY_INVALID', facts: expect.objectContaining({ path }) }),
    );
  });

  it('because it is a nested deployment is refused, not passed over', () => {
    expect(() => read({ type: 'Microsoft.Resources/deployments', name: 'd' })).toThrow(
      expect.objectContaining({ code: 'PS_TOPOLOGY_INVALID' }),
    );
  });
});

describe('the capture of a hub', () => {
  const nameFormat = '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}';
  const destination = { name: 'EventHubArchive.AzureBlockBlob', properties: { blobContainer: 'raw' } };
  const captureOf = (captureDescription: Json) =>
    read({ type: `${hubs}/eventhubs`, name: 'shop/clicks', properties: { captureDescription } }).hubs[0]?.capture;

  it('has the defaults of Azure', () => {
    expect(captureOf({ enabled: true, destination })).toEqual({
      encoding: 'Avro',
      intervalMs: 300_000,
      sizeLimitBytes: 314_572_800,
      skipEmptyArchives: false,
      container: 'raw',
      nameFormat,
      namespace: 'shop',
    });
  });

  it('is none when it is not described or switched off', () => {
    expect(captureOf(null)).toBeUndefined();
    expect(captureOf({ enabled: false, encoding: 'Avro' })).toBeUndefined();
  });

  it('is read with all its settings', () => {
    const settings = { encoding: 'AvroDeflate', intervalInSeconds: 60, sizeLimitInBytes: 10_485_760 };
    const archiveNameFormat = `x/${nameFormat}`;
    const storageAccountResourceId = '/subscriptions/1/storageAccounts/shop';
    const properties = { blobContainer: 'raw', archiveNameFormat, storageAccountResourceId };
    expect(
      captureOf({
        enabled: true,
        ...settings,
        skipEmptyArchives: true,
        destination: { name: destination.name, properties },
      }),
    ).toMatchObject({
      encoding: 'AvroDeflate',
      intervalMs: 60_000,
      sizeLimitBytes: 10_485_760,
      skipEmptyArchives: true,
      nameFormat: archiveNameFormat,
      storageAccountResourceId,
    });
  });

  it.each<[string, Json]>([
    ['destination', { enabled: true }],
    ['destination.name', { enabled: true, destination: { ...destination, name: 'EventHubArchive.AzureDataLake' } }],
    ['destination.properties.blobContainer', { enabled: true, destination: { ...destination, properties: {} } }],
    ['encoding', { enabled: true, encoding: 'Parquet', destination }],
    ['intervalInSeconds', { enabled: true, intervalInSeconds: '60', destination }],
  ])('is refused by the name of what is wrong: %s', (path, captureDescription) => {
    expect(() => captureOf(captureDescription)).toThrow(`.properties.captureDescription.${path}`);
  });
});
