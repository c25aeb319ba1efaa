import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EventHubProducerClient } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestBroker, testTopology } from '../helpers/broker.js';
import { startBrokerProcess } from '../helpers/broker-process.js';
import { createSmallDisk } from '../helpers/small-disk.js';

const MIB = 1024 * 1024;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a data folder that cannot be used', () => {
  const refusalOf = async (dataDir: string) => {
    const error: unknown = await startTestBroker(testTopology, { dataDir }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'PS_BROKER_DATA_DIR' });
    const { message } = error as Error;
    expect(message).not.toContain('\n');
    return message;
  };

  it('is told in one line: a file, below a file, with a file in it', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    expect(await refusalOf(file)).toMatch(/the data folder .*file.broker cannot be used: it is a file/);
    expect(await refusalOf(join(file, 'below'))).toContain('cannot be used: it is a file, or in the place of');
    await writeFile(join(folder, 'broker'), '');
    expect(await refusalOf(folder)).toContain('cannot be used: it is a file');
  });

  it('is told in one line: read-only, also where it holds a database', async () => {
    const disk = await createSmallDisk(64 * MIB);
    const { path } = disk;
    try {
      await startTestBroker(testTopology, { dataDir: path }).then((broker) => broker.stop());
      // Who may mount may write everywhere else.
      if (disk.isOwn) await promisify(execFile)('mount', ['-o', 'remount,ro', path]);
      else await chmod(join(path, 'broker'), 0o500);
      expect(await refusalOf(path)).toMatch(/cannot be used: (its file system is read-only|this user may not write)/);
      expect(await refusalOf(join(path, 'broker', 'new'))).toContain('cannot be used');
      if (disk.isOwn) await promisify(execFile)('mount', ['-o', 'remount,rw', path]);
      else await chmod(join(path, 'broker'), 0o700);
      await startTestBroker(testTopology, { dataDir: path }).then((broker) => broker.stop());
    } finally {
      await disk.remove();
    }
  });
});

describe('a data folder that goes away while the broker runs', () => {
  it.each<[string, (root: string) => Promise<unknown>]>([
    [
      'is replaced by another',
      async (root) => {
        await rename(root, `${root}-elsewhere`);
        await mkdir(join(root, 'store'), { recursive: true });
        await writeFile(join(root, 'store', 'LOCK'), '');
      },
    ],
    ['loses its events', (root) => rm(join(root, 'hubs'), { recursive: true })],
  ])('ends the broker, and nothing more is taken: %s', async (_what, harm) => {
    const broker = await startBrokerProcess(folder);
    const exited = once(broker.child, 'exit');
    const connect = (timeoutInMs?: number) => {
      const options = { retryOptions: { maxRetries: 0, ...(timeoutInMs === undefined ? {} : { timeoutInMs }) } };
      const client = new ServiceBusClient(broker.connectionString, options);
      const producer = new EventHubProducerClient(broker.connectionString, 'clicks', options);
      const close = () => Promise.all([client.close(), producer.close()]);
      return { sender: client.createSender('events'), producer, close };
    };
    const before = connect();
    await before.sender.sendMessages({ body: 'before' });
    await before.producer.sendBatch([{ body: 'before' }], { partitionId: '0' });
    await before.close();
    await harm(join(folder, 'broker'));
    // For the answers of a broker that is gone nobody waits for long.
    const { sender, producer, close } = connect(1500);
    const refused = async (send: () => Promise<void>) => {
      for (;;) await send();
    };
    await Promise.all([
      expect(refused(() => sender.sendMessages({ body: 'after' }))).rejects.toThrow(),
      expect(refused(() => producer.sendBatch([{ body: 'after' }], { partitionId: '0' }))).rejects.toThrow(),
    ]);
    expect(await exited).toEqual([1, null]);
    await close();
  });
});
