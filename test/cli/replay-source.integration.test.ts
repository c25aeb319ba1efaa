import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSource } from '../../src/cli/replay-source.js';
import { createBlobWriter } from '../../src/messaging/index.js';
import { replay } from '../../src/query/index.js';
import { loadConfig } from '../../src/shared/config/index.js';
import { writeEndpoints } from '../../src/shared/endpoints.js';
import { captureFile, notTold } from '../archive/capture-file.js';
import { startTestAzurite, type TestAzurite } from '../helpers/azurite.js';
import { createTempDir } from '../helpers/parts.js';

const dir = createTempDir('replay-source');
const AZURE = 'Endpoint=sb://Shop-Ns.servicebus.windows.net/;SharedAccessKeyName=a;SharedAccessKey=b';
let azurite: TestAzurite;

beforeAll(async () => {
  azurite = await startTestAzurite();
  const writer = createBlobWriter({ connectionString: azurite.connectionString });
  const write = async (container: string, name: string) => {
    const file = await captureFile([{ sequence: 0, body: JSON.stringify([{ id: `${container}/${name}` }]) }]);
    async function* content() {
      yield file;
    }
    await writer.write({ container, name }, content(), new AbortController().signal);
  };
  await write('capture', 'Shop-Ns/clicks/0/2026/01/01/00/00/00.avro');

  await write('raw', 'clicks/0_2026-01-01T00-00-00.avro');
});
afterAll(async () => {
  await azurite.stop();
  dir.remove();
});

/** The files that are read with this environment and these flags. */
async function filesOf(env: Record<string, string>, flags: Partial<Parameters<typeof openSource>[1]> = {}) {
  const config = loadConfig({ env, flags: { dataDir: flags.dataDir } });
  const source = await openSource(config, { source: 'capture', ...flags }, notTold);
  let text = '';
  await replay(source.history, { fromMs: 0, toMs: Number.POSITIVE_INFINITY }, async (lines) => {
    text += lines;
  });
  await source.close();
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { id: string }).id);
}

const storage = () => ({ PENSTOCK_STORAGE_CONNECTION_STRING: azurite.connectionString });

test('on Azure the files are those of the namespace that the hub is reached by', async () => {
  const file = ['capture/Shop-Ns/clicks/0/2026/01/01/00/00/00.avro'];
  expect(await filesOf({ ...storage(), PENSTOCK_EVENTHUBS_CONNECTION_STRING: AZURE })).toEqual(file);
  const identity = { ...storage(), PENSTOCK_EVENTHUBS_NAMESPACE: 'Shop-Ns.servicebus.windows.net' };
  expect(await filesOf(identity)).toEqual(file);
  // Names of hubs know no case, those of blobs do.
  expect(await filesOf({ ...identity, PENSTOCK_EVENTHUBS_HUB: 'Clicks' })).toEqual(file);
});

test('container and names are what the flags say, and no hub need be configured', async () => {
  const nameFormat = '{EventHub}/{PartitionId}_{Year}-{Month}-{Day}T{Hour}-{Minute}-{Second}';
  expect(await filesOf(storage(), { container: 'raw', nameFormat })).toEqual(['raw/clicks/0_2026-01-01T00-00-00.avro']);
});

test('an instance that is named by its folder is read, whatever else the environment names', async () => {
  const addresses = { pid: 1, gateway: '', admin: '', serviceBusConnectionString: '', redisUrl: '', writeKey: '' };
  writeEndpoints(dir.path, {
    ...addresses,
    eventHubsConnectionString: AZURE,
    storageConnectionString: azurite.connectionString,
  });
  const env = { PENSTOCK_STORAGE_CONNECTION_STRING: 'UseDevelopmentStorage=true' };
  expect(await filesOf(env, { dataDir: dir.path })).toEqual(['capture/Shop-Ns/clicks/0/2026/01/01/00/00/00.avro']);
});

test('flags that are for files of Capture are refused for the hub', async () => {
  const config = loadConfig({ env: { PENSTOCK_EVENTHUBS_CONNECTION_STRING: AZURE } });
  await expect(openSource(config, { source: 'hub', container: 'raw' }, notTold)).rejects.toMatchObject({
    code: 'PS_REPLAY_INVALID',
  });
});

test('a hub that the template does not capture needs to be told where its files are', async () => {
  const config = loadConfig({ env: { ...storage(), PENSTOCK_EVENTHUBS_HUB: 'orders' } });
  await expect(openSource(config, { source: 'capture' }, notTold)).rejects.toMatchObject({
    code: 'PS_REPLAY_INVALID',
    message: expect.stringContaining('orders'),
  });
});
