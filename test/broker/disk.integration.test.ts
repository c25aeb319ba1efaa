import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { EventHubProducerClient } from '@azure/event-hubs';
import { ServiceBusClient, type ServiceBusReceivedMessage, type ServiceBusReceiver } from '@azure/service-bus';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findBrokerDamage, repairBroker } from '../../src/broker/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { queue, startTestBroker, testTopology } from '../helpers/broker.js';
import { startBrokerProcess } from '../helpers/broker-process.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'penstock-disk-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

describe('a disk that takes no more', () => {
  it('ends the broker with an error to its clients, and with all that it accepted still there', async () => {
    const limited = await startBrokerProcess(dataDir, 0, undefined, 3000);
    const exited = once(limited.child, 'exit');
    const client = new ServiceBusClient(limited.connectionString, { retryOptions: { maxRetries: 0 } });
    const sender = client.createSender('events');
    const accepted: string[] = [];
    let failure: unknown;
    while (failure === undefined) {
      const messageId = `m${accepted.length}`;
      // Bytes that do not compress, so that the file fills.
      const body = Buffer.from(Array.from({ length: 100_000 }, () => Math.floor(Math.random() * 256)));
      try {
        await sender.sendMessages({ messageId, body });
        accepted.push(messageId);
      } catch (error) {
        failure = error;
      }
    }
    expect(accepted.length).toBeGreaterThan(5);
    expect(String(failure)).toContain('cannot write to its disk');
    expect(await exited).toEqual([1, null]);
    await client.close();

    const broker = await startTestBroker(testTopology, { dataDir });
    const again = new ServiceBusClient(broker.connectionString);
    const receiver = again.createReceiver('events', 'audit', { receiveMode: 'receiveAndDelete' });
    const seen = new Set<string>();
    while (!accepted.every((id) => seen.has(id))) {
      for (const { messageId } of await receiver.receiveMessages(50, { maxWaitTimeInMs: 2000 }))
        seen.add(String(messageId));
    }
    await again.close();
    await broker.stop();
  });
});

describe('a database that is damaged', () => {
  const store = () => join(dataDir, 'broker', 'store');

  async function fill(): Promise<void> {
    const broker = await startTestBroker(testTopology, { dataDir });
    const client = new ServiceBusClient(broker.connectionString);
    await client.createSender('events').sendMessages({ body: 'kept' });
    await client.close();
    await broker.stop();
  }
  const fileLike = async (pattern: RegExp) =>
    join(store(), (await readdir(store())).find((name) => pattern.test(name)) as string);

  it.each([
    ['CURRENT names nothing', /^CURRENT$/, (path: string) => writeFile(path, 'rubbish\n')],
    ['CURRENT is empty', /^CURRENT$/, (path: string) => truncate(path, 0)],
    [
      'the manifest is rubbish',
      /^MANIFEST-/,
      async (path: string) => writeFile(path, Buffer.alloc((await stat(path)).size, 0x5a)),
    ],
    ['the manifest is gone', /^MANIFEST-/, (path: string) => rm(path)],
  ])('is told in one line at the start: %s', async (_what, pattern, damage) => {
    await fill();
    await damage(await fileLike(pattern));
    const failure = await startTestBroker(testTopology, { dataDir }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'PS_BROKER_STORE_CORRUPT' });
    expect(String((failure as Error).message)).not.toContain('\n');
    expect(String((failure as Error).message)).toContain(store());
  });

  it('is refused with file and place where its log is damaged, and goes on without that once it is repaired', async () => {
    const broker = await startTestBroker(testTopology, { dataDir });
    const client = new ServiceBusClient(broker.connectionString);
    const sender = client.createSender('events');
    for (let index = 0; index < 20; index++) {
      await sender.sendMessages({ body: 'x'.repeat(5000), messageId: `m${index}` });
    }
    // As after `kill -9`: a stop would leave the same files, but the next start would read them.
    const copy = await mkdtemp(join(tmpdir(), 'penstock-disk-'));
    await cp(dataDir, copy, { recursive: true });
    await client.close();
    await broker.stop();
    await rm(dataDir, { recursive: true });
    await rename(copy, dataDir);
    const path = await fileLike(/\.log$/);
    const bytes = await readFile(path);
    // In the body of one message.
    const at = bytes.indexOf('xxxx', bytes.length >> 1);
    await writeFile(path, bytes.fill('y', at + 10, at + 20));

    const refused = {
      code: 'PS_BROKER_STORE_CORRUPT',
      message: expect.stringMatching(/\d{6}\.log is damaged at byte \d+.*penstock broker repair/) as string,
    };
    await expect(startTestBroker(testTopology, { dataDir })).rejects.toMatchObject(refused);
    expect(await findBrokerDamage(dataDir)).toMatchObject([{ file: basename(path) }]);
    const { losses, keptIn } = await repairBroker(dataDir, systemClock);
    expect(losses).toHaveLength(1);
    expect((await readFile(join(keptIn, basename(path)))).equals(bytes)).toBe(true);

    const mended = await startTestBroker(testTopology, { dataDir });
    const again = new ServiceBusClient(mended.connectionString);
    const facts = await fetch(`http://localhost:${mended.port}/status`).then((response) => response.json());
    const receiver = again.createReceiver('events', 'audit', { receiveMode: 'receiveAndDelete' });
    const seen = (await receiveAll(receiver)).map(({ messageId }) => messageId);
    expect(seen).toHaveLength(19);
    expect(JSON.stringify(facts)).toContain('"active":19');
    // Numbers go on from where they were, whatever was lost.
    await again.createSender('events').sendMessages({ body: 'new' });
    const [next] = await receiver.receiveMessages(1);
    expect(next?.sequenceNumber?.toNumber()).toBeGreaterThan(20);
    await again.close();
    await mended.stop();
  });

  it('says so to who reads what is damaged, with the name of the file, and serves everybody else', async () => {
    const topology = { ...testTopology, queues: [queue('hurt'), queue('whole')] };
    const bodies = Array.from({ length: 20 }, () => randomBytes(20_000));
    const first = await startTestBroker(topology, { dataDir });
    const sending = new ServiceBusClient(first.connectionString);
    for (const body of bodies) await sending.createSender('hurt').sendMessages({ body });
    await sending.createSender('whole').sendMessages({ body: 'whole' });
    await sending.close();
    await first.stop();
    // Only a start makes a table of the log.
    await startTestBroker(topology, { dataDir }).then((broker) => broker.stop());
    const sample = (bodies[10] as Buffer).subarray(5000, 5064);
    let damaged = '';
    for (const name of (await readdir(store())).filter((file) => file.endsWith('.ldb'))) {
      const bytes = await readFile(join(store(), name));
      const at = bytes.indexOf(sample);
      if (at < 0) continue;
      bytes[at] = (bytes[at] as number) ^ 1;
      await writeFile(join(store(), name), bytes);
      damaged = name;
    }

    const broker = await startTestBroker(topology, { dataDir });
    const client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
    const seen: unknown[] = [];
    const told = await new Promise<unknown>((resolve) => {
      client.createReceiver('hurt').subscribe({
        processMessage: async ({ body }) => void seen.push(body),
        processError: async ({ error }) => resolve(error),
      });
    });
    expect(String(told)).toMatch(new RegExp(`the database is damaged: ${damaged} is damaged at byte \\d+`));
    expect(seen).toHaveLength(0);
    const [whole] = await client.createReceiver('whole').receiveMessages(1);
    expect(whole?.body).toBe('whole');
    await client.createSender('hurt').sendMessages({ body: 'more' });
    await client.close();
    await broker.stop();

    // All the others are there once it is repaired.
    await repairBroker(dataDir, systemClock);
    const mended = await startTestBroker(topology, { dataDir });
    const again = new ServiceBusClient(mended.connectionString);
    const left = await receiveAll(again.createReceiver('hurt', { receiveMode: 'receiveAndDelete' }));
    expect(left.length).toBeGreaterThan(15);
    expect(left.at(-1)?.body).toBe('more');
    await again.close();
    await mended.stop();
  });

  it('is found by a start after several runs that ended early, as where merging files meets it', async () => {
    const topology = { ...testTopology, queues: [queue('hurt')] };
    const body = randomBytes(20_000);
    const first = await startTestBroker(topology, { dataDir });
    const sending = new ServiceBusClient(first.connectionString);
    await sending.createSender('hurt').sendMessages({ body });
    await sending.close();
    await first.stop();
    // Only a start makes a table of the log. A stop is none of the ends that count.
    for (let start = 0; start < 3; start++)
      await startTestBroker(topology, { dataDir }).then((broker) => broker.stop());
    const path = await fileLike(/\.ldb$/);
    const bytes = await readFile(path);
    const at = bytes.indexOf(body.subarray(5000, 5064));
    await writeFile(path, bytes.fill((bytes[at] as number) ^ 1, at, at + 1));
    for (let end = 0; end < 2; end++) await startBrokerProcess(dataDir, 0).then((broker) => broker.kill());

    const refused = {
      code: 'PS_BROKER_STORE_CORRUPT',
      message: expect.stringMatching(/\d{6}\.ldb is damaged at byte \d+.*penstock broker repair/) as string,
    };
    await expect(startTestBroker(topology, { dataDir })).rejects.toMatchObject(refused);
    await expect(startTestBroker(topology, { dataDir })).rejects.toMatchObject(refused);
    await repairBroker(dataDir, systemClock);
    await startTestBroker(topology, { dataDir }).then((broker) => broker.stop());
  });

  it('is without a value that is not what was written, once it is repaired, where the files themselves are whole', async () => {
    await fill();
    await startTestBroker(testTopology, { dataDir }).then((broker) => broker.stop());
    const db = new ClassicLevel<Buffer, Buffer>(store(), { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    const messages = await db.iterator({ gte: Buffer.of(0x11), lt: Buffer.of(0x12) }).all();
    const [[key, value]] = messages as [[Buffer, Buffer]];
    value[50] = (value[50] as number) ^ 1;
    await db.put(key, value);
    await db.close();
    expect(await findBrokerDamage(dataDir)).toMatchObject([{ what: 'has 1 values that are not what was written' }]);
    expect((await repairBroker(dataDir, systemClock)).losses).toHaveLength(1);
    expect(await findBrokerDamage(dataDir)).toEqual([]);
    const broker = await startTestBroker(testTopology, { dataDir });
    const status = await fetch(`http://localhost:${broker.port}/status`).then((response) => response.text());
    expect(status).toContain('"active":0');
    await broker.stop();
  });

  it('is refused when it is of an older version', async () => {
    const db = new ClassicLevel(store());
    await db.put('\u0001', JSON.stringify({ format: 2, createdAtMs: 1 }));
    await db.close();
    await expect(startTestBroker(testTopology, { dataDir })).rejects.toMatchObject({
      code: 'PS_BROKER_STORE_FORMAT',
      message: expect.stringContaining('has format 2') as string,
    });
  });

  it('is refused while the database is missing and events of its hubs are there', async () => {
    const broker = await startTestBroker(testTopology, { dataDir });
    const producer = new EventHubProducerClient(broker.connectionString, 'clicks');
    await producer.sendBatch([{ body: 'kept' }]);
    await producer.close();
    await broker.stop();
    await rm(store(), { recursive: true });
    const refused = { code: 'PS_BROKER_STORE_CORRUPT', message: expect.stringContaining('is missing') as string };
    await expect(startTestBroker(testTopology, { dataDir })).rejects.toMatchObject(refused);
  });
});

async function receiveAll(receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage[]> {
  const found: ServiceBusReceivedMessage[] = [];
  for (;;) {
    const more = await receiver.receiveMessages(50, { maxWaitTimeInMs: 1000 });
    if (more.length === 0) return found;
    found.push(...more);
  }
}
