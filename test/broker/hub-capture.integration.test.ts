import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CaptureDefinition } from '../../src/broker/topology/index.js';
import { createBlobWriter } from '../../src/messaging/index.js';
import { startTestAzurite, type TestAzurite } from '../helpers/azurite.js';
import { hub, startTestBroker, type TestBroker } from '../helpers/broker.js';
import { startBrokerProcess } from '../helpers/broker-process.js';
import { waitFor } from '../helpers/wait.js';
import { type AvroEvent, readAvro } from './capture/avro-reader.js';

const capture = (container: string, overrides: Partial<CaptureDefinition> = {}): CaptureDefinition => ({
  encoding: 'AvroDeflate',
  intervalMs: 1000,
  sizeLimitBytes: 300 * 1024 * 1024,
  skipEmptyArchives: true,
  container,
  nameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}',
  namespace: 'shop',
  ...overrides,
});

describe('Capture', () => {
  let azurite: TestAzurite;
  beforeAll(async () => {
    azurite = await startTestAzurite();
  });
  afterAll(() => azurite.stop());

  interface CapturedFile {
    readonly name: string;
    readonly codec: string;
    readonly events: readonly AvroEvent[];
  }

  const containerOf = (name: string) =>
    BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(name);

  async function namesIn(containerName: string): Promise<string[]> {
    const container = containerOf(containerName);
    const names: string[] = [];
    if (!(await container.exists())) return names;
    for await (const { name } of container.listBlobsFlat()) names.push(name);
    return names;
  }

  async function filesIn(containerName: string): Promise<CapturedFile[]> {
    const found: CapturedFile[] = [];
    for (const name of await namesIn(containerName)) {
      const file = await readAvro(await containerOf(containerName).getBlobClient(name).downloadToBuffer());
      found.push({ name, codec: file.codec, events: file.events });
    }
    return found;
  }

  const bodies = (files: readonly CapturedFile[]) =>
    files.flatMap(({ events }) => events.map(({ Body }) => JSON.parse(String(Body)) as unknown));

  async function send(producer: EventHubProducerClient, partitionId: string, from: number, count: number) {
    const batch = await producer.createBatch({ partitionId });
    for (let body = from; body < from + count; body++) batch.tryAdd({ body, properties: { body } });
    await producer.sendBatch(batch);
  }

  async function withBroker(
    definition: CaptureDefinition,
    work: (producer: EventHubProducerClient, broker: TestBroker) => Promise<void>,
    account = azurite,
  ) {
    const blobs = createBlobWriter({ connectionString: account.connectionString });
    const hubs = [hub('clicks', { partitionCount: 2, capture: definition })];
    const broker = await startTestBroker({ queues: [], topics: [], hubs }, { blobs });
    const producer = new EventHubProducerClient(broker.connectionString, 'clicks');
    try {
      await work(producer, broker);
    } finally {
      await producer.close();
      await broker.remove();
    }
  }

  it('writes what went through a hub to files named by partition and time', async () => {
    await withBroker(capture('by-time'), async (producer) => {
      await send(producer, '0', 0, 10);
      await send(producer, '1', 100, 5);
      const files = await waitFor('both partitions', async () => {
        const found = await filesIn('by-time');
        return bodies(found).length === 15 && found;
      });
      for (const { name, codec } of files) {
        expect(name).toMatch(/^shop\/clicks\/[01]\/\d{4}\/\d\d\/\d\d\/\d\d\/\d\d\/\d\d\.avro$/);
        expect(codec).toBe('deflate');
      }
      const first = files.filter(({ name }) => name.startsWith('shop/clicks/0/'));
      const events = first.flatMap((file) => file.events);
      expect(events.map(({ SequenceNumber }) => SequenceNumber)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(events[3]).toMatchObject({ Offset: '3', Properties: { body: ['long', 3] }, Body: Buffer.from('3') });
    });
  });

  it('closes a file that is full before its time, and cuts what came at once into several', async () => {
    const definition = capture('by-size', { encoding: 'Avro', intervalMs: 900_000, sizeLimitBytes: 5000 });
    await withBroker(definition, async (producer) => {
      await send(producer, '0', 0, 200);
      const files = await waitFor('full files', async () => {
        const found = await filesIn('by-size');
        return found.length >= 3 && found;
      });
      expect(new Set(files.map(({ codec }) => codec))).toEqual(new Set(['null']));
      const found = bodies(files);
      expect(found).toEqual(Array.from(found, (_, index) => index));
    });
  });

  it('leaves a file without events for a quiet interval when asked to', async () => {
    await withBroker(capture('empty', { skipEmptyArchives: false }), async () => {
      const files = await waitFor('two empty files of a partition', async () => {
        const found = (await filesIn('empty')).filter(({ name }) => name.startsWith('shop/clicks/1/'));
        return found.length >= 2 && found;
      });
      expect(bodies(files)).toEqual([]);
    });
  });

  it('writes files larger than a block of the storage', async () => {
    await withBroker(
      capture('large', { encoding: 'Avro', sizeLimitBytes: 9_000_000, intervalMs: 900_000 }),
      async (producer) => {
        for (let sent = 0; sent < 12; sent++) {
          const batch = await producer.createBatch({ partitionId: '0' });
          expect(batch.tryAdd({ body: Buffer.alloc(900_000, sent) })).toBe(true);
          await producer.sendBatch(batch);
        }
        const [file] = await waitFor('the file', async () => {
          const found = await filesIn('large');
          return found.length > 0 && found;
        });
        expect(file?.events.map(({ Body }) => Body?.[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      },
    );
  });

  it('catches up when the storage was away, and holds up neither senders nor the end of the broker', async () => {
    const away = await startTestAzurite();
    await away.stop();
    await withBroker(
      capture('away'),
      async (producer) => {
        await send(producer, '0', 0, 10);
        await send(producer, '0', 10, 10);
      },
      away,
    );
    const dataDir = await mkdtemp(join(tmpdir(), 'penstock-capture-'));
    const hubs = [hub('clicks', { partitionCount: 1, capture: capture('back') })];
    const start = (connectionString: string) =>
      startTestBroker({ queues: [], topics: [], hubs }, { dataDir, blobs: createBlobWriter({ connectionString }) });
    let broker = await start(away.connectionString);
    let producer = new EventHubProducerClient(broker.connectionString, 'clicks');
    await send(producer, '0', 0, 10);
    await producer.close();
    await broker.stop();
    broker = await start(azurite.connectionString);
    producer = new EventHubProducerClient(broker.connectionString, 'clicks');
    await send(producer, '0', 10, 10);
    const files = await waitFor('everything', async () => {
      const found = await filesIn('back');
      return bodies(found).length >= 20 && found;
    });
    expect(bodies(files)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    await producer.close();
    await broker.remove();
  });

  it('captures a hub from the moment it is switched on, and not what was there before', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'penstock-capture-'));
    const blobs = createBlobWriter({ connectionString: azurite.connectionString });
    const start = (definition: CaptureDefinition | undefined) =>
      startTestBroker(
        {
          queues: [],
          topics: [],
          hubs: [hub('clicks', { partitionCount: 1, ...(definition && { capture: definition }) })],
        },
        { dataDir, blobs },
      );
    for (const [index, definition] of [undefined, capture('switched'), undefined, capture('switched')].entries()) {
      const broker = await start(definition);
      const producer = new EventHubProducerClient(broker.connectionString, 'clicks');
      await send(producer, '0', index * 10, 2);
      if (definition) {
        await waitFor('the file', async () => bodies(await filesIn('switched')).includes(index * 10 + 1));
      }
      await producer.close();
      await broker.stop();
    }
    expect(bodies(await filesIn('switched'))).toEqual([10, 11, 30, 31]);
    await rm(dataDir, { recursive: true, force: true });
  });

  it('has every event in exactly one file, however often the broker is killed', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'penstock-capture-'));
    const definition = capture('killed', { sizeLimitBytes: 20_000 });
    const hubs = { storage: azurite.connectionString, capture: definition };
    const noRetries = { retryOptions: { maxRetries: 0 } };
    let sent = 0;
    let broker = await startBrokerProcess(dataDir, 0, hubs);
    for (let round = 1; round <= 4; round++) {
      const producer = new EventHubProducerClient(broker.connectionString, 'clicks', noRetries);
      const before = (await namesIn('killed')).length;
      // Killed while it writes: as soon as a new file is there, with more to come.
      do {
        await send(producer, '0', sent, 100);
        sent += 100;
      } while ((await namesIn('killed')).length === before);
      await broker.kill();
      await producer.close().catch(() => {});
      broker = await startBrokerProcess(dataDir, 0, hubs);
    }
    const files = await waitFor('everything', async () => {
      const found = await filesIn('killed');
      return bodies(found).length >= sent && found;
    });
    const inFiles = files.flatMap(({ events }) => events.map(({ SequenceNumber }) => SequenceNumber));
    expect(inFiles).toEqual(Array.from({ length: inFiles.length }, (_, index) => index));
    expect(new Set(bodies(files))).toEqual(new Set(Array.from({ length: sent }, (_, index) => index)));
    expect(await broker.stop()).toBe(0);
    await rm(dataDir, { recursive: true, force: true });
  });
});
