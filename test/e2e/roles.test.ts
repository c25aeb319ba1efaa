import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LiveFigures } from '../../src/shared/live.js';
import { startTestAzurite, type TestAzurite } from '../helpers/azurite.js';
import { createTempDir } from '../helpers/parts.js';
import { startTestRedis, type TestRedis } from '../helpers/redis.js';
import { waitFor } from '../helpers/wait.js';
import { penstock } from './support/penstock.js';
import { type RunningRole, startRole } from './support/role.js';

const WRITE_KEY = 'a-write-key-of-the-roles-test';
const dir = createTempDir('roles');
let redis: TestRedis;
let azurite: TestAzurite;
const roles: RunningRole[] = [];
const run = async (args: readonly string[], env: Record<string, string>) => {
  const role = await startRole(args, env);
  roles.push(role);
  return role;
};

beforeAll(async () => {
  [redis, azurite] = await Promise.all([startTestRedis(), startTestAzurite()]);
});
afterAll(async () => {
  for (const role of roles.reverse()) await role.stop();
  await redis.stop();
  await azurite.stop();
  dir.remove();
});

const post = (gateway: string, body: unknown) =>
  fetch(`${gateway}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${WRITE_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

test('every role runs as a process of its own from the environment alone, and an event goes through all of them', async () => {
  const posted: { body: unknown; key: string | undefined }[] = [];
  const webhook = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      posted.push({ body: JSON.parse(text), key: request.headers['idempotency-key'] as string | undefined });
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));

  const broker = await run(['broker'], { PENSTOCK_DATA_DIR: dir.path, PENSTOCK_BROKER_PORT: '0' });
  const connectionString = broker.facts['connectionString'] as string;
  const endpoint = JSON.parse(readFileSync(join(dir.path, 'broker/endpoint.json'), 'utf8')) as {
    connectionString: string;
  };
  expect(endpoint.connectionString).toBe(connectionString);
  const env = {
    PENSTOCK_DATA_DIR: dir.path,
    PENSTOCK_SERVICEBUS_CONNECTION_STRING: connectionString,
    PENSTOCK_EVENTHUBS_CONNECTION_STRING: connectionString,
    PENSTOCK_STORAGE_CONNECTION_STRING: azurite.connectionString,
    PENSTOCK_REDIS_URL: redis.url,
    PENSTOCK_SOURCES: JSON.stringify([{ name: 'shop', writeKey: WRITE_KEY }]),
    PENSTOCK_PORT: '0',
    PENSTOCK_ADMIN_PORT: '0',
    PENSTOCK_RETENTION_WEBHOOK_URL: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/churn`,
  };
  const gateway = await run(['gateway'], env);
  await run(['aggregate'], env);
  await run(['consume', 'audit', 'retention-campaign'], env);
  const dashboard = await run(['dashboard'], env);

  const response = await post(gateway.facts['url'] as string, [
    { id: 'view-1', type: 'page_view', anonymousId: 'visitor-1', page: { path: '/roles' } },
    { id: 'churn-1', type: 'churn_scored', userId: 'user-1', properties: { churnScore: 0.93 } },
    { id: 'churn-2', type: 'churn_scored', userId: 'user-2', properties: { churnScore: 0.3 } },
  ]);
  expect(await response.json()).toEqual({
    results: ['view-1', 'churn-1', 'churn-2'].map((id) => ({ id, outcome: 'accepted', durability: 'broker' })),
  });

  const figures = await waitFor('the view in the live figures', async () => {
    const live = (await (await fetch(`${dashboard.facts['url']}/api/live`)).json()) as LiveFigures;
    return live.visitors.total > 0 ? live : undefined;
  });
  expect(figures.visitors.total).toBe(1);
  expect(figures.pages).toEqual([{ path: '/roles', views: 1 }]);

  await waitFor('the likely churner at the webhook', () => posted.length > 0);
  expect(posted).toMatchObject([{ body: { id: 'churn-1' } }]);
  expect(posted[0]?.key).toBe('churn-1');

  const audited = await waitFor('both scores in the audit', () => {
    const folder = join(dir.path, 'audit');
    const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').trimEnd().split('\n'));
    return lines.length >= 2 ? lines : undefined;
  });
  expect(audited.map((line) => (JSON.parse(line) as { id: string }).id).sort()).toEqual(['churn-1', 'churn-2']);
  webhook.close();
});

test('a role without what it needs says which variable is missing, in one line', async () => {
  for (const [args, missing] of [
    [['gateway'], 'PENSTOCK_SERVICEBUS_CONNECTION_STRING'],
    [['aggregate'], 'PENSTOCK_EVENTHUBS_CONNECTION_STRING'],
    [['consume', 'audit'], 'PENSTOCK_SERVICEBUS_CONNECTION_STRING'],
    [['dashboard'], 'PENSTOCK_REDIS_URL'],
  ] as const) {
    const result = await penstock(args, {
      env: { PENSTOCK_DATA_DIR: dir.path, PENSTOCK_SOURCES: `[{"name":"a","writeKey":"${WRITE_KEY}"}]` },
    });
    expect(result.code).toBe(1);
    expect(result.stdout + result.stderr).toContain(missing);
  }
});

test('an unknown subscriber is an error that lists those that exist', async () => {
  const result = await penstock(['consume', 'nobody'], { env: { PENSTOCK_DATA_DIR: dir.path } });
  expect(result.code).toBe(1);
  expect(result.stdout + result.stderr).toMatch(/audit.*retention-campaign/s);
});
