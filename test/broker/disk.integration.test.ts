import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lossesAtOpening } from '../../src/broker/store/index.js';
import { startTestBroker, testTopology } from '../helpers/broker.js';
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

  it('is told of in the log where a part of it cannot be read, with the name of the file', async () => {
    await fill();
    expect(await lossesAtOpening(store())).toEqual([]);
    const path = await fileLike(/\.log$/);
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(0x5a, 20, bytes.length >> 1));
    const broker = await startTestBroker(testTopology, { dataDir }).catch(() => undefined);
    expect((await lossesAtOpening(store())).join()).toContain(basename(path));
    await broker?.stop();
  });
});
