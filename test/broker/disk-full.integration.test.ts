import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { EventHubProducerClient } from '@azure/event-hubs';
import { ServiceBusClient, type ServiceBusSender } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { spaceOf } from '../../src/shared/room.js';
import { startTestBroker, testTopology } from '../helpers/broker.js';
import { startBrokerProcess } from '../helpers/broker-process.js';
import { createSmallDisk, type SmallDisk } from '../helpers/small-disk.js';
import { waitFor } from '../helpers/wait.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 96 * MIB;
const KEPT_FREE_BYTES = 48 * MIB;
const BALLAST_BYTES = 30 * MIB;
const noRetries = { retryOptions: { maxRetries: 0 } };

let disk: SmallDisk;
beforeEach(async () => {
  disk = await createSmallDisk(DISK_BYTES);
});
afterEach(() => disk.remove());

/** Sends until it is refused; answers the ids that were accepted, and the refusal. */
async function sendUntilRefused(sender: ServiceBusSender, prefix: string) {
  const accepted: string[] = [];
  for (;;) {
    const messageId = `${prefix}${accepted.length}`;
    try {
      await sender.sendMessages({ messageId, body: randomBytes(500_000) });
      accepted.push(messageId);
    } catch (error) {
      return { accepted, refusal: error };
    }
  }
}

describe('a disk that fills up', () => {
  it('refuses what is sent in time, lets receivers go on, and takes more once there is room', async () => {
    const minFreeBytes = (await spaceOf(disk.path)).freeBytes - DISK_BYTES + KEPT_FREE_BYTES;
    await disk.fill(DISK_BYTES - BALLAST_BYTES);
    const broker = await startTestBroker(testTopology, { dataDir: disk.path, minFreeBytes });
    const client = new ServiceBusClient(broker.connectionString, noRetries);
    const producer = new EventHubProducerClient(broker.connectionString, 'clicks', noRetries);
    const sender = client.createSender('events');
    const receiver = client.createReceiver('events', 'audit');
    await producer.sendBatch([{ body: 'first' }], { partitionId: '0' });

    const { accepted, refusal } = await sendUntilRefused(sender, 'm');
    expect(accepted.length).toBeGreaterThan(5);
    const refused = { code: 'QuotaExceeded', message: expect.stringContaining('disk of the broker') as string };
    expect(refusal).toMatchObject(refused);
    const shown = async (path: string) => (await fetch(`http://localhost:${broker.port}${path}`)).text();
    const isLow = async () => (JSON.parse(await shown('/status')) as { isDiskLow: boolean }).isDiskLow;
    // The broker may be about to remove files that it needs no more: it stays low whatever these had.
    await disk.fill(KEPT_FREE_BYTES / 2);
    await waitFor('a disk that is low', async () => (await isLow()) || undefined);
    await expect(sender.scheduleMessages({ body: 'later' }, new Date(Date.now() + 60_000))).rejects.toMatchObject(
      refused,
    );
    await expect(producer.sendBatch([{ body: 'refused' }], { partitionId: '0' })).rejects.toThrow('disk of the broker');
    expect(await shown('/metrics')).toContain('penstock_broker_disk_low 1');
    expect(await shown('/')).toContain('nearly full: what is sent is refused');

    // Both subscriptions have each: one is emptied, with a write for each message.
    const seen = new Set<string>();
    await waitFor('all of them', async () => {
      for (const message of await receiver.receiveMessages(20, { maxWaitTimeInMs: 1000 })) {
        seen.add(String(message.messageId));
        await receiver.completeMessage(message);
      }
      return seen.size >= accepted.length || undefined;
    });
    expect([...seen].sort()).toEqual([...accepted].sort());
    expect((await producer.getPartitionProperties('0')).lastEnqueuedSequenceNumber).toBe(0);

    // The other with a write before each message.
    const all = client.createReceiver('events', 'all', { receiveMode: 'receiveAndDelete' });
    const left = new Set<string>();
    await waitFor('the others', async () => {
      for (const { messageId } of await all.receiveMessages(20, { maxWaitTimeInMs: 1000 })) left.add(String(messageId));
      return left.size >= accepted.length || undefined;
    });
    await disk.empty();
    const send = () => sender.sendMessages({ body: 'again', messageId: 'again' });
    await waitFor('a send', () =>
      send().then(
        () => true,
        () => undefined,
      ),
    );
    await producer.sendBatch([{ body: 'second' }], { partitionId: '0' });
    expect(await shown('/metrics')).toContain('penstock_broker_disk_low 0');
    expect((await receiver.receiveMessages(1))[0]?.messageId).toBe('again');
    await client.close();
    await producer.close();
    await broker.stop();
  });

  it('that others fill goes on by itself when they make room', async () => {
    const minFreeBytes = (await spaceOf(disk.path)).freeBytes - DISK_BYTES + KEPT_FREE_BYTES;
    const broker = await startTestBroker(testTopology, { dataDir: disk.path, minFreeBytes });
    const client = new ServiceBusClient(broker.connectionString, noRetries);
    const sender = client.createSender('events');
    await sender.sendMessages({ body: 'before', messageId: 'before' });
    await disk.fill(KEPT_FREE_BYTES - MIB);
    await waitFor('a refusal', () =>
      sender.sendMessages({ body: '?' }).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    await disk.empty();
    await waitFor('a send', () =>
      sender.sendMessages({ body: 'after', messageId: 'after' }).then(
        () => true,
        () => undefined,
      ),
    );
    const receiver = client.createReceiver('events', 'audit', { receiveMode: 'receiveAndDelete' });
    const ids = (await receiver.receiveMessages(100, { maxWaitTimeInMs: 1000 })).map(({ messageId }) => messageId);
    expect(ids[0]).toBe('before');
    expect(ids.at(-1)).toBe('after');
    await client.close();
    await broker.stop();
  });
});

describe('a disk without any room', () => {
  it('ends the broker with code 1, is told at a start in one line, and has lost nothing', async () => {
    // Where no file system can be mounted a limit to the size of a file is the real thing that is left.
    const limited = await startBrokerProcess(disk.path, 0, undefined, disk.isOwn ? undefined : 400);
    const exited = once(limited.child, 'exit');
    const client = new ServiceBusClient(limited.connectionString, noRetries);
    const sender = client.createSender('events');
    const accepted: string[] = [];
    for (let index = 0; index < 5; index++) {
      await sender.sendMessages({ messageId: `m${index}`, body: randomBytes(20_000) });
      accepted.push(`m${index}`);
    }
    const receiver = client.createReceiver('events', 'audit');
    const locked = await receiver.receiveMessages(5, { maxWaitTimeInMs: 2000 });
    expect(locked.length).toBeGreaterThan(0);
    if (disk.isOwn) await disk.fill(0);
    // Settlements are written as well, here with much in them.
    let failure: unknown;
    const changes = { text: 'x'.repeat(30_000) };
    while (failure === undefined) {
      const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 2000 });
      const next = message ?? locked.shift();
      failure = await receiver.abandonMessage(next as never, changes).then(
        () => undefined,
        (error: unknown) => error,
      );
    }
    expect(String(failure)).toContain('cannot write to its disk');
    expect(await exited).toEqual([1, null]);
    await client.close();

    if (disk.isOwn) {
      const refused = {
        code: 'PS_BROKER_DISK_FULL',
        message: expect.stringContaining(join(disk.path, 'broker')) as string,
      };
      await expect(startTestBroker(testTopology, { dataDir: disk.path })).rejects.toMatchObject(refused);
      await disk.empty();
    }
    const broker = await startTestBroker(testTopology, { dataDir: disk.path });
    const again = new ServiceBusClient(broker.connectionString);
    const all = again.createReceiver('events', 'audit', { receiveMode: 'receiveAndDelete' });
    const seen = new Set<string>();
    await waitFor('all of them', async () => {
      for (const { messageId } of await all.receiveMessages(20, { maxWaitTimeInMs: 1000 })) seen.add(String(messageId));
      return seen.size >= accepted.length || undefined;
    });
    await again.close();
    await broker.stop();
  });
});
