import { fork } from 'node:child_process';
import { once } from 'node:events';
import { BlobServiceClient } from '@azure/storage-blob';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { azuriteProcess } from '../../src/local/index.js';
import { startTestAzurite } from '../helpers/azurite.js';
import { createTempDir } from '../helpers/parts.js';
import { startTestRedis } from '../helpers/redis.js';

test('the private Redis answers only with its password', async () => {
  const redis = await startTestRedis();
  const client = new Redis(redis.url);
  expect(await client.ping()).toBe('PONG');
  const stranger = new Redis({ host: '127.0.0.1', port: Number(new URL(redis.url).port), retryStrategy: () => null });
  stranger.on('error', () => {});
  await expect(stranger.get('anything')).rejects.toThrow(/NOAUTH/);
  stranger.disconnect();
  await client.quit();
  await redis.stop();
});

test('the local blob service keeps what it is given', async () => {
  const azurite = await startTestAzurite();
  const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient('checkpoints');
  await container.createIfNotExists();
  await container.getBlockBlobClient('a').upload('body', 4);
  expect((await container.getBlockBlobClient('a').downloadToBuffer()).toString()).toBe('body');
  await azurite.stop();
});

test('the local blob service ends when its supervisor is gone, however early', async () => {
  const dir = createTempDir('azurite-early');
  const { args, env } = azuriteProcess({ dir: dir.path, port: 0, accountKey: 'a2V5' });
  const [flag, program, main, ...others] = args as [string, string, string, ...string[]];
  const azurite = fork(main, others, { env: { ...process.env, ...env }, execArgv: [flag, program], stdio: 'ignore' });
  azurite.disconnect();
  expect(await once(azurite, 'exit')).toEqual([null, 'SIGTERM']);
  dir.remove();
});
