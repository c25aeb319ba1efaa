import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, expect, test } from 'vitest';
import type { BrokerStatus } from '../../src/broker/index.js';
import { createTempDir } from '../helpers/parts.js';
import { penstock } from './support/penstock.js';
import { type RunningRole, startRole } from './support/role.js';

const dir = createTempDir('broker-command');
let running: RunningRole | undefined;
afterAll(async () => {
  await running?.stop();
  dir.remove();
});

const command = (...args: string[]) => penstock(['broker', ...args, '--data-dir', dir.path]);
const status = async () => JSON.parse((await command('status', '--json')).stdout) as BrokerStatus;

test('a broker has the entities of its flags, keeps them without the flags, and can be looked into', async () => {
  const args = ['broker', '--data-dir', dir.path, '--broker-port', '0'];
  const entities = ['--queue', 'orders,lock=30s', '--topic', 'news', '--subscription', 'news/all', '--hub', 'views:2'];
  running = await startRole([...args, ...entities], {});
  const { connectionString } = JSON.parse(readFileSync(join(dir.path, 'broker/endpoint.json'), 'utf8')) as {
    connectionString: string;
  };
  const client = new ServiceBusClient(connectionString);
  await client.createSender('orders').sendMessages({ messageId: 'o-1', body: { total: 12 } });
  await client.close();
  expect((await command('peek', 'orders')).stdout).toContain('{"total":12}');
  expect(await running.stop()).toBe(0);

  running = await startRole(args, {});
  const { queues, topics, hubs } = await status();
  expect(queues).toMatchObject([{ name: 'orders', counts: { active: 1 } }]);
  expect(topics.map(({ name }) => name)).toEqual(['events', 'news']);
  expect(hubs.map(({ name, partitions }) => [name, partitions.length])).toEqual([
    ['clicks', 4],
    ['views', 2],
  ]);
  expect((await command('purge', 'orders', '--all', '--yes')).stdout).toBe('1 active messages removed\n');
});

test('what a command cannot do is one line, and the exit code is 1', async () => {
  const { code, stderr } = await command('peek', 'nowhere');
  expect([code, stderr]).toEqual([
    1,
    'penstock: PS_BROKER_ENTITY: there is no queue, subscription or hub named nowhere\n',
  ]);
  const flag = await penstock(['broker', '--queue', 'orders,lock=soon', '--data-dir', join(dir.path, 'other')]);
  expect(flag.code).toBe(1);
  expect(flag.stdout + flag.stderr).toContain('--queue orders,lock=soon: lock is a time');
});
