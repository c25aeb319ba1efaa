import { describe, expect, it } from 'vitest';
import { loadTopology } from '../../../src/broker/topology/index.js';
import type { JsonObject } from '../../../src/broker/topology/json.js';
import { evaluate, idOf, ofType, propertiesOf, variants } from './template.js';

describe.each(variants)('what is deployed with %s', (_name, parameters) => {
  const { resources } = evaluate(parameters);

  it('has one resource of each type and name', () => {
    const ids = resources.map((resource) => idOf(resource).toLowerCase());
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('can be deployed in some order: what a resource depends on is there, and nothing goes round in a circle', () => {
    const dependencies = new Map(
      resources.map((resource) => [idOf(resource), (resource.body['dependsOn'] ?? []) as readonly string[]]),
    );
    const deployed = new Set<string>();
    while (deployed.size < dependencies.size) {
      const ready = [...dependencies].filter(
        ([id, needs]) => !deployed.has(id) && needs.every((need) => deployed.has(need)),
      );
      expect(ready.length, 'resources that wait for ever').toBeGreaterThan(0);
      for (const [id] of ready) deployed.add(id);
    }
  });

  it('has each child after its parent', () => {
    const ids = new Set(resources.map(idOf));
    for (const resource of resources) {
      const parent = idOf(resource).replace(/\/[^/]+\/[^/]+$/, '');
      if (ids.has(parent)) expect(resource.body['dependsOn'], resource.name).toContain(parent);
    }
  });

  it('has names that Azure takes', () => {
    const legal: Readonly<Record<string, RegExp>> = {
      'Microsoft.ServiceBus/namespaces': /^(?!.*--)[A-Za-z][A-Za-z0-9-]{4,48}(?<!-sb|-mgmt)[A-Za-z0-9]$/,
      'Microsoft.EventHub/namespaces': /^(?!.*--)[A-Za-z][A-Za-z0-9-]{4,48}[A-Za-z0-9]$/,
      'Microsoft.Storage/storageAccounts': /^[a-z0-9]{3,24}$/,
      'Microsoft.Storage/storageAccounts/blobServices/containers':
        /^[^/]+\/default\/(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
      'Microsoft.Authorization/roleAssignments': /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    };
    for (const { type, name } of resources) expect(name).toMatch(legal[type] ?? /./);
  });

  it('asks of a tier only what the tier has', () => {
    const sku = (type: string) => ofType(resources, type)[0]?.body['sku'] as JsonObject;
    const bus = sku('Microsoft.ServiceBus/namespaces');
    expect(['Standard', 'Premium'], 'topics and duplicate detection').toContain(bus['name']);
    expect(bus['capacity'] ?? null).toBe(bus['name'] === 'Premium' ? 1 : null);
    const hubs = sku('Microsoft.EventHub/namespaces');
    const premium = hubs['name'] === 'Premium';
    expect(['Standard', 'Premium'], 'more than one consumer group').toContain(hubs['name']);
    const namespace = propertiesOf(ofType(resources, 'Microsoft.EventHub/namespaces')[0]);
    if (namespace['isAutoInflateEnabled'] === true) {
      expect(premium, 'automatic growth').toBe(false);
      expect(namespace['maximumThroughputUnits']).toBeGreaterThan(hubs['capacity'] as number);
    } else expect(namespace['maximumThroughputUnits']).toBe(0);
    for (const hub of ofType(resources, 'Microsoft.EventHub/namespaces/eventhubs')) {
      const { partitionCount, retentionDescription } = propertiesOf(hub);
      expect(partitionCount).toBeLessThanOrEqual(premium ? 100 : 32);
      expect((retentionDescription as JsonObject)['retentionTimeInHours']).toBeLessThanOrEqual(premium ? 2160 : 168);
    }
    const groups = ofType(resources, 'Microsoft.EventHub/namespaces/eventhubs/consumergroups');
    expect(groups.length).toBeLessThanOrEqual(premium ? 100 : 20);
  });

  it('is a topology that the embedded broker loads', () => {
    expect(loadTopology(undefined, parameters).topics[0]?.subscriptions).toHaveLength(5);
  });
});

describe('subscriptions', () => {
  const { resources } = evaluate();

  it('have each the rule $Default replaced, since Azure ORs a rule of another name with the true filter', () => {
    const subscriptions = ofType(resources, 'Microsoft.ServiceBus/namespaces/topics/subscriptions');
    const rules = ofType(resources, 'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules');
    expect(rules.map(({ name }) => name)).toEqual(subscriptions.map(({ name }) => `${name}/$Default`));
  });

  it('lose no message silently', () => {
    for (const subscription of ofType(resources, 'Microsoft.ServiceBus/namespaces/topics/subscriptions'))
      expect(propertiesOf(subscription)).toMatchObject({
        deadLetteringOnMessageExpiration: true,
        deadLetteringOnFilterEvaluationExceptions: true,
      });
  });
});

describe('access', () => {
  const principalId = '11111111-2222-3333-4444-555555555555';
  const assignments = (parameters: JsonObject) =>
    ofType(evaluate(parameters).resources, 'Microsoft.Authorization/roleAssignments');

  it('is given to nobody unless an identity is named', () => {
    expect(assignments({})).toEqual([]);
  });

  it('is no more than sending, receiving and blobs, each on the one entity', () => {
    const found = assignments({ principalId });
    expect(found).toHaveLength(5);
    for (const { body } of found) {
      expect(body['scope']).toMatch(
        /\/topics\/events$|\/eventhubs\/clicks$|^Microsoft\.Storage\/storageAccounts\/[^/]+$/,
      );
      expect(propertiesOf({ body } as never)['principalId']).toBe(principalId);
    }
  });

  it('has no public blobs, no old TLS, and no shared keys once they are switched off', () => {
    const { resources } = evaluate({ disableLocalAuth: true });
    expect(propertiesOf(ofType(resources, 'Microsoft.Storage/storageAccounts')[0])).toMatchObject({
      allowBlobPublicAccess: false,
      allowSharedKeyAccess: false,
      minimumTlsVersion: 'TLS1_2',
      supportsHttpsTrafficOnly: true,
    });
    for (const type of ['Microsoft.ServiceBus/namespaces', 'Microsoft.EventHub/namespaces'])
      expect(propertiesOf(ofType(resources, type)[0])['disableLocalAuth']).toBe(true);
  });
});

describe('outputs', () => {
  it('are the addresses that the roles need', () => {
    expect(evaluate().outputs()).toEqual({
      serviceBusNamespace: expect.stringMatching(/^penstock-bus-[a-z2-7]{13}\.servicebus\.windows\.net$/),
      serviceBusTopic: 'events',
      eventHubsNamespace: expect.stringMatching(/^penstock-hubs-[a-z2-7]{13}\.servicebus\.windows\.net$/),
      eventHubsHub: 'clicks',
      storageAccount: expect.stringMatching(/^https:\/\/penstock[a-z2-7]{13}\.blob\.core\.windows\.net$/),
      checkpointContainer: 'checkpoints',
    });
  });
});
