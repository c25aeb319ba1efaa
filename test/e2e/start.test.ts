import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isAlive } from '../helpers/is-alive.js';
import { createTempDir } from '../helpers/parts.js';
import { waitFor } from '../helpers/wait.js';
import { penstock, type RunningInstance, startInstance } from './support/penstock.js';

const dir = createTempDir('start');
/** A start takes seconds of both cores: a test goes on with the instance that the one before has left. */
let current: RunningInstance | undefined;
async function running(): Promise<RunningInstance> {
  current ??= await startInstance({ dataDir: dir.path });
  return current;
}
async function stop(): Promise<number | null | undefined> {
  const code = await current?.stop();
  current = undefined;
  return code;
}
afterAll(async () => {
  await stop();
  dir.remove();
});

const PARTS = ['broker', 'azurite', 'redis', 'gateway', 'aggregate', 'dashboard', 'consume'];

test('start brings everything up, says where it is, and SIGTERM stops all of it', async () => {
  const instance = await running();
  const { endpoints } = instance;
  expect(Object.keys(endpoints).sort()).toEqual([
    'admin',
    'caFile',
    'eventHubsConnectionString',
    'gateway',
    'pid',
    'redisUrl',
    'serviceBusConnectionString',
    'storageConnectionString',
    'writeKey',
  ]);
  expect(statSync(join(dir.path, 'endpoints.json')).mode & 0o077).toBe(0);
  expect((await fetch(`${endpoints.gateway}/readyz`)).status).toBe(200);
  expect((await fetch(`${endpoints.admin}/api/live`)).status).toBe(200);

  const pids = PARTS.map((part) => instance.pidOf(part));
  expect(pids.every(isAlive)).toBe(true);
  expect(await stop()).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(existsSync(join(dir.path, 'endpoints.json'))).toBe(false);
});

test('a second start on the same folder keeps the keys and the log, and refuses to run twice', async () => {
  const log = () => readFileSync(join(dir.path, 'log/penstock.ndjson'), 'utf8');
  // The first start is that of the test before, where that has run.
  if (current !== undefined || !existsSync(join(dir.path, 'keys.json'))) await running();
  await stop();
  const before = { log: log(), keys: readFileSync(join(dir.path, 'keys.json'), 'utf8') };
  const second = await running();
  expect(second.endpoints.writeKey).toBe((JSON.parse(before.keys) as { writeKey: string }).writeKey);
  expect(log().startsWith(before.log)).toBe(true);
  const twice = await penstock([
    'start',
    '--data-dir',
    dir.path,
    '--port',
    '0',
    '--admin-port',
    '0',
    '--broker-port',
    '0',
  ]);
  expect(twice.code).toBe(1);
  expect(twice.stderr).toContain('PS_LOCAL_RUNNING');
});

test('a start after kill -9 of the supervisor waits until the parts that were left are gone', async () => {
  const killed = await running();
  const pids = PARTS.map((part) => killed.pidOf(part));
  await killed.kill();
  current = undefined;
  const next = await running();
  expect(pids.filter(isAlive)).toEqual([]);
  expect((await fetch(`${next.endpoints.gateway}/readyz`)).status).toBe(200);
});

test('no part outlives the supervisor, however that ends', async () => {
  const killed = await running();
  const pids = PARTS.map((part) => killed.pidOf(part));
  await killed.kill();
  current = undefined;
  await waitFor('the parts to end', () => pids.filter(isAlive).length === 0);
});

test('a role that is killed is started again at the same address', async () => {
  const instance = await running();
  process.kill(instance.pidOf('gateway'), 'SIGKILL');
  await waitFor('the gateway to be back', () => instance.readyCount('gateway') > 1 || undefined);
  expect((await fetch(`${instance.endpoints.gateway}/livez`)).status).toBe(200);
});

test('a port that is taken is one clear line and no half-started instance', async () => {
  const instance = await running();
  const port = new URL(instance.endpoints.gateway).port;
  const other = createTempDir('start-taken');
  const result = await penstock([
    'start',
    '--data-dir',
    other.path,
    '--port',
    port,
    '--admin-port',
    '0',
    '--broker-port',
    '0',
  ]);
  expect(result.code).toBe(1);
  expect(result.stderr.trim()).toContain(`port ${port}`);
  expect(result.stderr.trim().split('\n')).toHaveLength(1);
  other.remove();
});

test('a part that finds damage is not started again and again: the start says at once which file it is', async () => {
  const damaged = createTempDir('start-damaged');
  const file = join(damaged.path, 'broker', 'security', 'access-keys.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '{"RootManageSharedAccessKey":"cut of');
  const ports = ['--port', '0', '--admin-port', '0', '--broker-port', '0'];
  const result = await penstock(['start', '--data-dir', damaged.path, ...ports]);
  expect(result.code).toBe(1);
  expect(result.stderr).toContain(`${file} is not a file of access keys: bring it back from a copy`);
  expect(result.stderr).not.toContain('it is started again');
  damaged.remove();
});

test('no secret of the instance is in its log', async () => {
  const instance = await running();
  await stop();
  const log = readFileSync(join(dir.path, 'log/penstock.ndjson'), 'utf8');
  const keys = JSON.parse(readFileSync(join(dir.path, 'keys.json'), 'utf8')) as Record<string, string>;
  const sharedAccessKey = /SharedAccessKey=([^;]+)/.exec(instance.endpoints.serviceBusConnectionString)?.[1] as string;
  for (const secret of [...Object.values(keys), sharedAccessKey]) expect(log.includes(secret)).toBe(false);
});

test('SIGTERM ends a start of which a part never becomes ready, and that part', async () => {
  const folder = createTempDir('stuck');
  const server = join(folder.path, 'redis-server');
  const pidFile = join(folder.path, 'pid');
  writeFileSync(server, `#!/bin/sh\necho $$ > ${pidFile}\nexec sleep 60\n`, { mode: 0o755 });
  const dataDir = join(folder.path, 'data');
  const started = penstock(['start', '--data-dir', dataDir, '--port', '0', '--admin-port', '0', '--broker-port', '0'], {
    env: { PATH: `${folder.path}:${process.env['PATH']}` },
    onSpawn: (child) => {
      const log = join(dataDir, 'log', 'penstock.ndjson');
      const brokerReady = () =>
        existsSync(log) && readFileSync(log, 'utf8').includes('part ready') ? true : undefined;
      void waitFor('the broker', brokerReady).then(() => child.kill('SIGTERM'));
    },
  });
  expect((await started).code).toBe(0);
  expect(isAlive(Number(readFileSync(pidFile, 'utf8')))).toBe(false);
  folder.remove();
});
