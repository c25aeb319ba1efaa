import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBlobWriter } from '../../src/messaging/index.js';
import { startTestAzurite, type TestAzurite } from '../helpers/azurite.js';
import { hub, startTestBroker, type TestBroker } from '../helpers/broker.js';
import { atom, createHubClients, type HubClients, sendTo } from '../helpers/hub-clients.js';
import { waitFor } from '../helpers/wait.js';
import { readAvro } from './capture/avro-reader.js';

const MIB = 1024 * 1024;
const XMLNS = 'http://schemas.microsoft.com/netservices/2010/10/servicebus/connect';
const NAME_FORMAT = '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}';

const description = (fields: string) => `<EventHubDescription xmlns="${XMLNS}">${fields}</EventHubDescription>`;
const captureTo = (container: string, settings = '') =>
  `<CaptureDescription><Enabled>true</Enabled>${settings}<Destination><Name>EventHubArchive.AzureBlockBlob</Name>` +
  `<Properties><BlobContainer>${container}</BlobContainer></Properties></Destination></CaptureDescription>`;
const OFF = '<CaptureDescription><Enabled>false</Enabled></CaptureDescription>';
/** The smallest files that the service allows, so that a test need not wait for a window to pass. */
const SMALL = `<SizeLimitInBytes>${10 * MIB}</SizeLimitInBytes>`;

const field = (text: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];

describe('Capture at run time', () => {
  let azurite: TestAzurite;
  let broker: TestBroker;
  let clients: HubClients;
  let dataDir: string;

  async function start(): Promise<void> {
    const blobs = createBlobWriter({ connectionString: azurite.connectionString });
    const hubs = [hub('clicks', { partitionCount: 1 })];
    broker = await startTestBroker({ queues: [], topics: [], hubs }, { dataDir, blobs });
    clients = createHubClients(broker.connectionString);
  }
  async function restart(): Promise<void> {
    await clients.close();
    await broker.stop();
    await start();
  }
  beforeAll(async () => {
    azurite = await startTestAzurite();
    dataDir = await mkdtemp(join(tmpdir(), 'penstock-capture-'));
    await start();
  });
  afterAll(async () => {
    await clients.close();
    await broker.remove();
    await azurite.stop();
  });

  const get = async (path: string) => (await atom(broker.connectionString, path)).text;
  const put = (path: string, fields: string, update = true) =>
    atom(broker.connectionString, path, { method: 'PUT', description: description(fields), update });

  /** One event, and after it as many bytes as close a file; all of one file, in the order of the names. */
  async function sendFileOf(body: string, hubName = 'clicks'): Promise<void> {
    const producer = clients.producer(hubName);
    await sendTo(producer, '0', [body]);
    for (let sent = 0; sent < 12; sent++) await sendTo(producer, '0', [Buffer.alloc(900_000)]);
    await producer.close();
  }

  async function captured(containerName: string) {
    const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
    const container = service.getContainerClient(containerName);
    if (!(await container.exists())) return [];
    const files: { readonly name: string; readonly codec: string; readonly first: string }[] = [];
    for await (const { name } of container.listBlobsFlat()) {
      const { codec, events } = await readAvro(await container.getBlobClient(name).downloadToBuffer());
      files.push({ name, codec, first: String(events[0]?.Body).slice(0, 20) });
    }
    return files;
  }
  const firstFileIn = (container: string) =>
    waitFor('a file of Capture', async () => (await captured(container))[0] ?? false);

  it('is shown as it was set, changed by what names it alone, and still there after a restart', async () => {
    const settings =
      '<Encoding>AvroDeflate</Encoding><IntervalInSeconds>60</IntervalInSeconds>' +
      `${SMALL}<SkipEmptyArchives>true</SkipEmptyArchives>`;
    expect(
      (await put('shown', `<PartitionCount>1</PartitionCount>${captureTo('shown', settings)}`, false)).status,
    ).toBe(201);
    expect((await put('shown', '<UserMetadata>mine</UserMetadata>')).status).toBe(200);
    const shown = async () => {
      const text = await get('shown');
      const names = ['Enabled', 'Encoding', 'IntervalInSeconds', 'SizeLimitInBytes', 'SkipEmptyArchives', 'Name'];
      return [...names, 'BlobContainer', 'ArchiveNameFormat'].map((name) => field(text, name));
    };
    const all = [
      'true',
      'AvroDeflate',
      '60',
      String(10 * MIB),
      'true',
      'EventHubArchive.AzureBlockBlob',
      'shown',
      NAME_FORMAT,
    ];
    expect(await shown()).toEqual(all);
    await restart();
    expect(await shown()).toEqual(all);

    await put('shown', OFF);
    expect(await get('shown')).not.toContain('CaptureDescription');
    expect(field(await get('shown'), 'UserMetadata')).toBe('mine');
  });

  it('is refused out of its ranges, by the name of the property, and changes nothing', async () => {
    const refused = async (capture: string) => {
      const { status, text } = await put('clicks', capture);
      return `${status} ${field(text, 'Detail')}`;
    };
    const seconds = (value: number) => captureTo('raw', `<IntervalInSeconds>${value}</IntervalInSeconds>`);
    const bytes = (value: number) => captureTo('raw', `<SizeLimitInBytes>${value}</SizeLimitInBytes>`);
    for (const value of [59, 901]) expect(await refused(seconds(value))).toMatch(/^400 .*intervalInSeconds/);
    for (const value of [10 * MIB - 1, 500 * MIB + 1])
      expect(await refused(bytes(value))).toMatch(/^400 .*sizeLimitInBytes/);
    expect(await refused(captureTo('No--Container'))).toMatch(/^400 .*blobContainer/);
    expect(await refused(captureTo('raw', '<Encoding>Parquet</Encoding>'))).toMatch(/^400 .*encoding/);
    const withFormat = captureTo('raw').replace(
      '</BlobContainer>',
      '</BlobContainer><ArchiveNameFormat>{EventHub}</ArchiveNameFormat>',
    );
    expect(await refused(withFormat)).toMatch(/^400 .*archiveNameFormat/);
    expect(await get('clicks')).not.toContain('CaptureDescription');
  });

  it('begins with the first event after it was switched on, ends with the last before it was switched off, and begins anew', async () => {
    const producer = clients.producer('clicks');
    await sendTo(producer, '0', ['before']);
    expect((await put('clicks', captureTo('first', SMALL))).status).toBe(200);
    await sendFileOf('during');
    expect(await firstFileIn('first')).toMatchObject({ codec: 'null', first: '"during"' });

    expect((await put('clicks', OFF)).status).toBe(200);
    await sendTo(producer, '0', ['between']);
    await restart();
    expect(await get('clicks')).not.toContain('CaptureDescription');
    const deflated = captureTo('second', `<Encoding>AvroDeflate</Encoding>${SMALL}`);
    expect((await put('clicks', deflated)).status).toBe(200);
    await sendFileOf('again');
    expect(await firstFileIn('second')).toMatchObject({ codec: 'deflate', first: '"again"' });
    expect(await captured('first')).toHaveLength(1);
  });

  it('captures a hub that is made with it from its first event on, under the name of the namespace', async () => {
    await put('born', `<PartitionCount>1</PartitionCount>${captureTo('born', SMALL)}`, false);
    await sendFileOf('one', 'born');
    const file = await firstFileIn('born');
    expect(file.first).toBe('"one"');
    expect(file.name).toMatch(/^[^/]+\/born\/0\/\d{4}\/\d\d\/\d\d\/\d\d\/\d\d\/\d\d\.avro$/);
  });
});
