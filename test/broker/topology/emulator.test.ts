import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { topologyFromEmulatorConfig } from '../../../src/broker/topology/emulator.js';
import { loadTopology } from '../../../src/broker/topology/load.js';

const serviceBus = `{
  // As the emulator's own example has it.
  "UserConfig": {
    "Namespaces": [{
      "Name": "sbemulatorns",
      "Queues": [{ "Name": "queue.1", "Properties": {
        "DeadLetteringOnMessageExpiration": false, "DefaultMessageTimeToLive": "PT1H",
        "DuplicateDetectionHistoryTimeWindow": "PT5S", "ForwardDeadLetteredMessagesTo": "", "ForwardTo": "",
        "LockDuration": "PT1M", "MaxDeliveryCount": 3, "RequiresDuplicateDetection": false, "RequiresSession": false } }],
      "Topics": [{ "Name": "topic.1", "Properties": { "RequiresDuplicateDetection": true },
        "Subscriptions": [
          { "Name": "plain" },
          { "Name": "filtered", "Properties": { "MaxDeliveryCount": 5 }, "Rules": [
            { "Name": "app", "Properties": { "FilterType": "Correlation",
              "CorrelationFilter": { "Subject": "s", "Properties": { "prop1": "value1" } } } },
            { "Name": "sql", "Properties": { "FilterType": "Sql",
              "SqlFilter": { "SqlExpression": "a > 1" }, "Action": { "SqlExpression": "SET b = 2" } } }] }] }]
    }],
    "Logging": { "Type": "File" }
  }
}`;

const eventHubs = {
  UserConfig: {
    NamespaceConfig: [
      {
        Type: 'EventHub',
        Name: 'emulatorNs1',
        Entities: [{ Name: 'eh1', PartitionCount: '2', ConsumerGroups: [{ Name: 'cg1' }, { Name: '$default' }] }],
      },
    ],
  },
};

describe('a Config.json of the Service Bus emulator', () => {
  it('loads as a template does, comments and short windows included', () => {
    const folder = mkdtempSync(join(tmpdir(), 'emulator-'));
    const path = join(folder, 'Config.json');
    writeFileSync(path, serviceBus);
    const { queues, topics, hubs } = loadTopology(path);
    rmSync(folder, { recursive: true });
    expect(queues).toMatchObject([
      { name: 'queue.1', duplicateDetectionHistoryTimeWindowMs: 5000, maxDeliveryCount: 3, maxSizeInMegabytes: 81_920 },
    ]);
    expect(queues[0]).not.toHaveProperty('forwardTo');
    expect(topics).toMatchObject([{ name: 'topic.1', requiresDuplicateDetection: true }]);
    expect(
      topics[0]?.subscriptions.map(({ name, rules, maxDeliveryCount }) => [name, maxDeliveryCount, rules]),
    ).toEqual([
      ['plain', 3, [{ name: '$Default', filter: { kind: 'true' } }]],
      [
        'filtered',
        5,
        [
          {
            name: 'app',
            filter: { kind: 'correlation', correlation: { subject: 's', properties: { prop1: 'value1' } } },
          },
          { name: 'sql', filter: { kind: 'sql', expression: 'a > 1' }, action: 'SET b = 2' },
        ],
      ],
    ]);
    expect(hubs).toEqual([]);
  });
});

describe('a Config.json of the Event Hubs emulator', () => {
  it('gives its hubs, whose numbers may be strings', () => {
    expect(topologyFromEmulatorConfig(eventHubs)).toEqual({
      queues: [],
      topics: [],
      hubs: [{ name: 'eh1', partitionCount: 2, retentionMs: 3_600_000, consumerGroups: ['cg1'] }],
    });
  });
});

describe('a faulty Config.json', () => {
  it.each<[string, unknown, string]>([
    ['a namespace list that is none', { UserConfig: { Namespaces: {} } }, '$.UserConfig.Namespaces'],
    [
      'a queue without a name',
      { UserConfig: { Namespaces: [{ Queues: [{}] }] } },
      '$.UserConfig.Namespaces[0].Queues[0].Name',
    ],
    [
      'a lock that is no duration',
      { UserConfig: { Namespaces: [{ Queues: [{ Name: 'q', Properties: { LockDuration: '60' } }] }] } },
      '$.UserConfig.Namespaces[0].Queues[0].Properties.LockDuration',
    ],
    [
      'a rule without a filter type',
      {
        UserConfig: {
          Namespaces: [{ Topics: [{ Name: 't', Subscriptions: [{ Name: 's', Rules: [{ Name: 'r' }] }] }] }],
        },
      },
      '$.UserConfig.Namespaces[0].Topics[0].Subscriptions[0].Rules[0].Properties.FilterType',
    ],
  ])('with %s is refused by JSON path', (_what, config, path) => {
    expect(() => topologyFromEmulatorConfig(config as never)).toThrow(
      expect.objectContaining({ code: 'PS_TOPOLOGY_INVALID', facts: { path } }),
    );
  });
});
