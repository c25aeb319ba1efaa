import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterEach, expect, test } from 'vitest';
import { createBlobStore } from '../../../src/messaging/index.js';
import { systemClock } from '../../../src/shared/clock.js';

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Blobs of a storage account that answers so, and may take so long for it. */
async function storeOf(answer: RequestListener, answerMs: number) {
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const service = BlobServiceClient.fromConnectionString(
    `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:${port}/a;`,
  );
  return createBlobStore(service.getContainerClient('states'), { clock: systemClock, answerMs });
}

test('a storage account that does not answer is an error in time, whatever is asked of it', async () => {
  const store = await storeOf(() => {}, 300);
  const silent = { code: 'PS_CONSUME_UNAVAILABLE', message: 'blob 0: no answer within 0.3 s' };
  await expect(store.read('0')).rejects.toMatchObject(silent);
  await expect(store.write('0', Buffer.from('x'), { metadata: {}, ifVersion: 'v' })).rejects.toMatchObject(silent);
  await expect(store.setMetadata('0', {}, 'v')).rejects.toMatchObject(silent);
});

test('a blob that is there and whose content is lost is an error that says so', async () => {
  const store = await storeOf((_request, response) => {
    response.writeHead(200, { 'content-length': '100', etag: '"v"' });
    response.write('half');
    response.socket?.end();
  }, 60_000);
  await expect(store.read('0')).rejects.toMatchObject({
    code: 'PS_CONSUME_UNAVAILABLE',
    message: expect.stringContaining('blob 0: it is there, but what is in it cannot be read') as string,
  });
});
