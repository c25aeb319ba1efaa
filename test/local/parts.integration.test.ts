import { BlobServiceClient } from '@azure/storage-blob';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { startTestAzurite } from '../helpers/azurite.js';
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
