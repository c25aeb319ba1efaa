import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { createTempDir } from '../helpers/parts.js';
import { startTestRedis } from '../helpers/redis.js';
import { waitFor } from '../helpers/wait.js';
import { startRole } from './support/role.js';

const WRITE_KEY = 'a-write-key-of-the-files-test';
const OPEN_FILES = 128;

const dir = createTempDir('open-files');
const cleanups: (() => unknown)[] = [dir.remove];
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** Opens many more connections than the process may have files, and waits until each is closed or seems to stay. */
async function crowd(port: number): Promise<{ refused: () => number; leave: () => Promise<void> }> {
  let refused = 0;
  const sockets: Socket[] = [];
  for (let count = 0; count < 3 * OPEN_FILES; count++) {
    const socket = connect({ port, host: '127.0.0.1' })
      .on('error', () => {})
      .on('close', () => {
        refused += 1;
      });
    sockets.push(socket.resume());
  }
  await waitFor('those beyond half of what may be open to be refused', () => refused >= (5 / 2) * OPEN_FILES);
  return {
    refused: () => refused,
    async leave() {
      const open = sockets.filter((socket) => !socket.destroyed);
      await Promise.all(open.map((socket) => once(socket.destroy(), 'close')));
    },
  };
}

const portOf = (url: string) => Number(new URL(url).port);

describe(`a process that may have ${OPEN_FILES} files open`, () => {
  test('serves on, with half of them for connections, and says what it refuses', async () => {
    const limits = { openFiles: OPEN_FILES };
    const redis = await startTestRedis();
    cleanups.push(redis.stop);
    const run = async (role: string, env: Record<string, string>) => {
      const running = await startRole([role], { PENSTOCK_DATA_DIR: dir.path, ...env }, limits);
      cleanups.push(running.stop);
      return running;
    };
    const broker = await run('broker', { PENSTOCK_BROKER_PORT: '0' });
    const connectionString = broker.facts['connectionString'] as string;
    const clients = {
      PENSTOCK_SERVICEBUS_CONNECTION_STRING: connectionString,
      PENSTOCK_EVENTHUBS_CONNECTION_STRING: connectionString,
      PENSTOCK_REDIS_URL: redis.url,
      PENSTOCK_SOURCES: JSON.stringify([{ name: 'shop', writeKey: WRITE_KEY }]),
    };
    const gateway = await run('gateway', { ...clients, PENSTOCK_PORT: '0' });
    const dashboard = await run('dashboard', { ...clients, PENSTOCK_ADMIN_PORT: '0' });
    const url = gateway.facts['url'] as string;

    const post = async () => {
      const response = await fetch(`${url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${WRITE_KEY}`, connection: 'close' },
        body: JSON.stringify({ type: 'sign_up', userId: 'user-1' }),
      });
      const { results } = (await response.json()) as { results: unknown[] };
      return results[0];
    };
    const accepted = { outcome: 'accepted', durability: 'broker' };
    expect(await post()).toMatchObject(accepted);

    for (const [role, port] of [
      [broker, Number(/localhost:(\d+)/.exec(connectionString)?.[1])],
      [dashboard, portOf(dashboard.facts['url'] as string)],
      [gateway, portOf(url)],
    ] as const) {
      const many = await crowd(port);
      expect(role.output().match(/as many connections are open as may be/g)).toHaveLength(1);
      // The broker has room for its files, and the connection that the gateway has goes on.
      if (role === broker) expect(await post()).toMatchObject(accepted);
      await many.leave();
    }
    // It has room again once it has noticed that they are gone.
    expect(await waitFor('the gateway to have room again', post)).toMatchObject(accepted);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const refused = Number(/^penstock_gateway_connections_refused_total (\d+)$/m.exec(metrics)?.[1]);
    expect(refused).toBeGreaterThan(2 * OPEN_FILES);
  });

  test.each(['start', 'gateway', 'broker'])(
    'is not `%s` where it may have half as many: the limit is named',
    async (role) => {
      const started = startRole([role], { PENSTOCK_DATA_DIR: dir.path }, { openFiles: OPEN_FILES / 2 });
      await expect(started).rejects.toThrow(/PS_OPEN_FILES_TOO_FEW: a process may have 64 files open here/);
    },
  );
});
