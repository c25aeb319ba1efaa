import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadParameters, loadTopology } from '../../../src/broker/topology/index.js';

const folder = mkdtempSync(join(tmpdir(), 'topology-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

describe('the template that ships', () => {
  it('holds the topology that the product relies on', () => {
    const { queues, topics, hubs } = loadTopology();
    expect(queues).toEqual([]);
    expect(topics.map(({ name }) => name)).toEqual(['events']);
    expect(topics[0]).toMatchObject({
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindowMs: 13 * 3_600_000,
    });
    expect(topics[0]?.subscriptions.map(({ name, rules }) => [name, rules])).toEqual([
      [
        'retention-campaign',
        [{ name: '$Default', filter: { kind: 'sql', expression: "type = 'churn_scored' AND churnScore >= 0.7" } }],
      ],
      [
        'profile-writer',
        [{ name: '$Default', filter: { kind: 'correlation', correlation: { properties: { type: 'churn_scored' } } } }],
      ],
      [
        'analytics-forwarder',
        [{ name: '$Default', filter: { kind: 'sql', expression: "type IN ('purchase', 'refund')" } }],
      ],
      [
        'live-figures',
        [{ name: '$Default', filter: { kind: 'sql', expression: "type IN ('purchase', 'refund', 'offer_made')" } }],
      ],
      ['audit', [{ name: '$Default', filter: { kind: 'true' } }]],
    ]);
    expect(hubs).toEqual([
      {
        name: 'clicks',
        partitionCount: 4,
        retentionMs: 168 * 3_600_000,
        consumerGroups: ['aggregators', 'archive', 'replay'],
        capture: {
          encoding: 'AvroDeflate',
          intervalMs: 300_000,
          sizeLimitBytes: 314_572_800,
          skipEmptyArchives: true,
          container: 'capture',
          nameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}',
          namespace: expect.stringMatching(/^penstock-hubs-/) as string,
          storageAccountResourceId: expect.stringContaining('/storageAccounts/') as string,
        },
      },
    ]);
  });

  it('follows its parameters', () => {
    const { topics, hubs } = loadTopology(undefined, {
      partitionCount: 16,
      topicName: 'orders',
      consumerGroups: ['a'],
    });
    expect(topics[0]?.name).toBe('orders');
    expect(hubs[0]).toMatchObject({ partitionCount: 16, consumerGroups: ['a'] });
  });

  it('accepts the example of a parameters file', () => {
    const values = loadParameters('infra/arm/main.parameters.json');
    expect(loadTopology(undefined, values).hubs[0]?.partitionCount).toBe(values['partitionCount']);
  });
});

describe('a file that cannot serve', () => {
  const failure = (run: () => unknown): { code: string; message: string; facts: Record<string, unknown> } => {
    try {
      run();
    } catch (error) {
      return error as never;
    }
    throw new Error('no error');
  };

  it('that is not there is named', () => {
    const path = join(folder, 'none.json');
    const error = failure(() => loadTopology(path));
    expect(error.code).toBe('PS_TOPOLOGY_UNREADABLE');
    expect(error.facts['file']).toBe(path);
  });

  it.each([
    ['broken.json', '{ "resources": ['],
    ['array.json', '[]'],
    ['other.json', '{ "hello": "world" }'],
  ])('%s is unreadable', (name, content) => {
    expect(failure(() => loadTopology(file(name, content))).code).toBe('PS_TOPOLOGY_UNREADABLE');
  });

  it('for an expression is named with file, JSON path, expression and position', () => {
    const path = file(
      'fault.json',
      '{ "resources": [{ "type": "Microsoft.EventHub/namespaces/eventhubs", "name": "[nope(1)]" }] }',
    );
    const error = failure(() => loadTopology(path));
    expect(error.code).toBe('PS_TOPOLOGY_FUNCTION');
    expect(error.facts).toEqual({ file: path, path: '$.resources[0].name', expression: 'nope(1)', position: 0 });
    expect(error.message.startsWith(`${path}: $.resources[0].name: `)).toBe(true);
  });

  it('for its limits is named with every problem', () => {
    const path = file(
      'limits.json',
      '{ "resources": [{ "type": "Microsoft.EventHub/namespaces/eventhubs", "name": "n/h-", "properties": { "partitionCount": 0 } }] }',
    );
    const error = failure(() => loadTopology(path));
    expect(error.code).toBe('PS_TOPOLOGY_INVALID');
    expect(error.facts['problems']).toHaveLength(2);
  });
});
