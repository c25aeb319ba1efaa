import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServiceBusAdministrationClient, ServiceBusClient, type ServiceBusSender } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBrokerProcess } from '../helpers/broker-process.js';
import { type AdministrationClient, startAdministrationClient } from './admin/administration-client.js';

/**
 * One attempt each, and all the time that a slow machine takes for it. What still waits for an answer of a broker that was
 * killed waits for a minute: nobody waits for that, and nothing that was accepted comes by then.
 */
const noRetries = { retryOptions: { maxRetries: 0 } };
const COUNT = 40;

describe('a broker that is killed while it forwards', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'penstock-crash-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  const call = async (
    admin: AdministrationClient,
    method: keyof ServiceBusAdministrationClient,
    ...args: unknown[]
  ) => {
    const { value, error } = await admin.call(method, ...args);
    expect(error).toBeUndefined();
    return value;
  };

  it('has every accepted message exactly once, forwarded as it came or after it had waited', async () => {
    const accepted: string[] = [];
    let broker = await startBrokerProcess(dataDir);
    let admin = startAdministrationClient(broker.connectionString, broker.caFile);
    await call(admin, 'createQueue', 'target');
    await call(admin, 'createQueue', 'middle', { forwardTo: 'target' });
    await call(admin, 'createQueue', 'waiting');
    let client = new ServiceBusClient(broker.connectionString, noRetries);
    const send = async (sender: ServiceBusSender, prefix: string, rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        const ids = Array.from({ length: COUNT }, (_, index) => `${prefix}-${round}-${index}`);
        await sender.sendMessages(ids.map((messageId) => ({ messageId, body: 'x'.repeat(500) })));
        accepted.push(...ids);
      }
    };
    await send(client.createSender('waiting'), 'before', 100);
    let enough = () => {};
    const underLoad = new Promise<void>((resolve) => {
      enough = resolve;
    });
    const sending = ['middle', 'waiting'].map(async (name) => {
      const sender = client.createSender(name);
      for (let turn = 0; ; turn++) {
        await send(sender, `${name}-${turn}`, 1);
        if (turn >= 5) enough();
      }
    });
    const waiting = (await call(admin, 'getQueue', 'waiting')) as object;
    await call(admin, 'updateQueue', { ...waiting, forwardTo: 'middle' });
    await Promise.race([underLoad, Promise.all(sending)]);
    await broker.kill();
    admin.close();
    void client.close().catch(() => {});
    broker = await startBrokerProcess(dataDir);

    client = new ServiceBusClient(broker.connectionString);
    const accepts = new Set(accepted);
    // Behind everything that still waits.
    await send(client.createSender('waiting'), 'last', 1);
    const found: string[] = [];
    const receiver = client.createReceiver('target', { receiveMode: 'receiveAndDelete' });
    while (!found.includes(`last-0-${COUNT - 1}`)) {
      for (const message of await receiver.receiveMessages(1000, { maxWaitTimeInMs: 2000 })) {
        found.push(String(message.messageId));
      }
    }
    expect(new Set(found).size).toBe(found.length);
    const there = new Set(found);
    expect([...accepts].filter((id) => !there.has(id))).toEqual([]);
    admin = startAdministrationClient(broker.connectionString, broker.caFile);
    for (const name of ['target', 'middle', 'waiting']) {
      expect(await call(admin, 'getQueueRuntimeProperties', name)).toMatchObject({ totalMessageCount: 0 });
    }
    admin.close();
    await client.close();
    expect(await broker.stop()).toBe(0);
  });
});
