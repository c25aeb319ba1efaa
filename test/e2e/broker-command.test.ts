import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

test('who reads what a command prints, such as head, may have enough', async () => {
  const { code, stderr } = await penstock(['topology', 'print'], { onSpawn: ({ stdout }) => stdout?.destroy() });
  expect([code, stderr]).toEqual([0, '']);
});

test('a broker whose database is damaged says so in one line, and starts again once it is repaired', async () => {
  const data = createTempDir('broker-repair');
  const args = ['--data-dir', data.path];
  const start = () => startRole(['broker', ...args, '--broker-port', '0', '--queue', 'orders'], {});
  await (await start()).stop();
  const store = join(data.path, 'broker', 'store');
  rmSync(join(store, 'CURRENT'));

  const refused = await penstock(['broker', ...args, '--broker-port', '0', '--queue', 'orders']);
  expect(refused.code).toBe(1);
  const lines = (refused.stdout + refused.stderr).trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    code: 'PS_BROKER_STORE_CORRUPT',
    msg: expect.stringMatching(/CURRENT is missing: .*`penstock broker repair`/) as string,
  });

  // Nobody is there to be asked.
  const asked = await penstock(['broker', 'repair', ...args]);
  expect([asked.code, asked.stdout]).toEqual([1, 'CURRENT is missing\n']);
  const repaired = await penstock(['broker', 'repair', ...args, '--yes']);
  expect(repaired.code).toBe(0);
  expect(repaired.stdout).toContain('the broker can be started');
  expect((await penstock(['broker', 'repair', ...args])).stdout).toBe('nothing is damaged\n');
  await (await start()).stop();

  // An interrupted repair has to be ended: its counters are not true yet.
  writeFileSync(join(data.path, 'broker', 'repairing'), '');
  expect((await penstock(['broker', ...args, '--broker-port', '0'])).stdout).toContain('did not end');
  expect((await penstock(['broker', 'repair', ...args, '--yes'])).code).toBe(0);
  expect(readdirSync(join(data.path, 'broker'))).not.toContain('repairing');
  data.remove();
});
