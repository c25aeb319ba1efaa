import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { topologyFromArm } from '../../src/broker/topology/arm.js';
import { startTestBroker, type TestBroker } from '../helpers/broker.js';
import { startAdministrationClient } from './admin/administration-client.js';

const TYPE = 'Microsoft.ServiceBus/namespaces';
const rule = (type: string, name: string, ...rights: string[]) => ({
  type: `${TYPE}/${type}`,
  name,
  properties: { rights },
});

/** As Bicep and the portal write them: rules of the namespace, of a queue and of a topic. */
const template = {
  resources: [
    { type: `${TYPE}/queues`, name: 'ns/orders' },
    { type: `${TYPE}/queues`, name: 'ns/status' },
    { type: `${TYPE}/topics`, name: 'ns/events' },
    { type: `${TYPE}/topics/subscriptions`, name: 'ns/events/audit' },
    rule('AuthorizationRules', 'ns/Viewer', 'Listen', 'Send'),
    rule('queues/authorizationRules', 'ns/orders/Seller', 'Send'),
    rule('queues/authorizationRules', 'ns/status/Owner', 'Listen', 'Send', 'Manage'),
    rule('topics/authorizationRules', 'ns/events/Auditor', 'Listen'),
  ],
};

let broker: TestBroker;
const keys: Record<string, string> = {};

beforeAll(async () => {
  broker = await startTestBroker(topologyFromArm(template));
  const file = JSON.parse(readFileSync(join(broker.dataDir, 'broker', 'security', 'access-keys.json'), 'utf8'));
  for (const [id, value] of Object.entries(file)) keys[id] = (value as { key?: string }).key ?? String(value);
});
afterAll(() => broker.remove());

const withKey = (name: string, key: string | undefined) =>
  broker.connectionString.replace(
    /SharedAccessKeyName=.*;(?=Use)/,
    `SharedAccessKeyName=${name};SharedAccessKey=${key};`,
  );
const client = (name: string, key: string | undefined) =>
  new ServiceBusClient(withKey(name, key), { retryOptions: { maxRetries: 0 } });

function token(resource: string, name: string, key: string | undefined): string {
  const sr = encodeURIComponent(resource);
  const expiry = Math.round(Date.now() / 1000) + 300;
  const signature = createHmac('sha256', key ?? '')
    .update(`${sr}\n${expiry}`)
    .digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${name}`;
}

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
}

function get(path: string, authorization: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'broker.example', authorization };
    const sent = request({ port: broker.port, host: '127.0.0.1', path, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += String(chunk);
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    sent.on('error', reject).end();
  });
}

describe('authorization rules of a template', () => {
  it('give each key what its rule says, for its entity and nothing else', async () => {
    const seller = client('Seller', keys['orders/Seller']);
    await seller.createSender('orders').sendMessages({ body: 'x' });
    await expect(seller.createReceiver('orders').receiveMessages(1)).rejects.toThrow(/'Listen' claim/);
    await expect(seller.createSender('events').sendMessages({ body: 'x' })).rejects.toThrow();
    const viewer = client('Viewer', keys['Viewer']);
    await viewer.createSender('events').sendMessages({ body: 'x' });
    expect(await viewer.createReceiver('orders').receiveMessages(1)).toHaveLength(1);
    const auditor = client('Auditor', keys['events/Auditor']);
    expect(await auditor.createReceiver('events', 'audit').receiveMessages(1)).toHaveLength(1);
    await expect(auditor.createSender('events').sendMessages({ body: 'x' })).rejects.toThrow(/'Send' claim/);
    for (const one of [seller, viewer, auditor]) await one.close();
  });

  it('let nobody administer without Manage, and an owner of one entity only that', async () => {
    const path = '/orders?api-version=2021-05';
    const viewed = await get(path, token('http://broker.example/', 'Viewer', keys['Viewer']));
    expect(viewed.status).toBe(401);
    expect(viewed.text).toContain('Manage&apos; claim(s) are required');
    const owner = (resource: string) => token(resource, 'Owner', keys['status/Owner']);
    expect((await get('/status?api-version=2021-05', owner('http://broker.example/status'))).status).toBe(200);
    expect((await get(path, owner('http://broker.example/orders'))).status).toBe(401);
    expect((await get(path, owner('http://broker.example/status'))).status).toBe(401);
  });

  it('show the pages of the broker to keys of the namespace only, also where an entity has the name of a page', async () => {
    const owner = token('http://broker.example/status', 'Owner', keys['status/Owner']);
    expect((await get('/status', owner)).status).toBe(401);
    const basic = Buffer.from(`Owner:${keys['status/Owner']}`).toString('base64');
    expect((await get('/status', `Basic ${basic}`)).status).toBe(401);
    const viewer = token('http://broker.example/', 'Viewer', keys['Viewer']);
    expect((await get('/status', viewer)).status).toBe(401);
    const root = token('http://broker.example/', 'RootManageSharedAccessKey', keys['RootManageSharedAccessKey']);
    expect((await get('/status', root)).status).toBe(200);
  });
});

describe('an authorization rule that is made over the administration API', () => {
  it('opens its queue at once, is changed with it, and goes with it', async () => {
    const administration = startAdministrationClient(broker.connectionString, broker.caFile);
    const done = async (method: string, ...args: unknown[]) => {
      const { value, error } = await administration.call(method, ...args);
      expect(error).toBeUndefined();
      return value as Record<string, unknown>;
    };
    const authorized = (...accessRights: ('Listen' | 'Send' | 'Manage')[]) => [
      {
        claimType: 'SharedAccessKey',
        keyName: 'Clerk',
        accessRights,
        primaryKey: 'a'.repeat(44),
        secondaryKey: 'b'.repeat(44),
      },
    ];
    await done('createQueue', 'desk', { authorizationRules: authorized('Send') });
    const clerk = client('Clerk', 'a'.repeat(44));
    const second = client('Clerk', 'b'.repeat(44));
    await clerk.createSender('desk').sendMessages({ body: 'x' });
    await second.createSender('desk').sendMessages({ body: 'y' });
    await expect(clerk.createReceiver('desk').receiveMessages(1)).rejects.toThrow(/'Listen' claim/);
    await expect(clerk.createSender('orders').sendMessages({ body: 'x' })).rejects.toThrow();
    const queue = await done('getQueue', 'desk');
    await done('updateQueue', { ...queue, authorizationRules: authorized('Listen') });
    const listening = client('Clerk', 'a'.repeat(44));
    expect(await listening.createReceiver('desk').receiveMessages(1)).toHaveLength(1);
    await done('deleteQueue', 'desk');
    await done('createQueue', 'desk');
    const late = client('Clerk', 'a'.repeat(44));
    await expect(late.createSender('desk').sendMessages({ body: 'x' })).rejects.toThrow();
    for (const one of [clerk, second, listening, late]) await one.close();
    administration.close();
  });
});
