import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBlobReader, createBlobWriter } from '../../../src/messaging/index.js';
import { startTestAzurite, type TestAzurite } from '../../helpers/azurite.js';

const LARGE_BYTES = 9 * 1024 * 1024;
let azurite: TestAzurite;

beforeAll(async () => {
  azurite = await startTestAzurite();
  const writer = createBlobWriter({ connectionString: azurite.connectionString });
  const write = (name: string, ...content: readonly Buffer[]) =>
    writer.write({ container: 'files', name }, piecesOf(content), new AbortController().signal);
  await write('a/2', Buffer.from('two'));
  await write('a/1', Buffer.from('one'));
  await write('b/1', Buffer.alloc(0));
  await write('b/large', Buffer.alloc(LARGE_BYTES, 'x'));
});
afterAll(() => azurite.stop());

async function* piecesOf(pieces: readonly Buffer[]) {
  yield* pieces;
}
const open = (container = 'files') => createBlobReader({ connectionString: azurite.connectionString }, container);

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of source) found.push(one);
  return found;
}

test('names are listed below a prefix, in their order, and contents come as they are', async () => {
  const blobs = open();
  expect(await all(blobs.list('a/'))).toEqual(['a/1', 'a/2']);
  expect(await all(blobs.list(''))).toEqual(['a/1', 'a/2', 'b/1', 'b/large']);
  expect(Buffer.concat(await all(blobs.read('a/2'))).toString()).toBe('two');
  expect(Buffer.concat(await all(blobs.read('b/1'))).length).toBe(0);
  expect(Buffer.concat(await all(blobs.read('b/large'))).length).toBe(LARGE_BYTES);
});

test('a reader that has enough ends the download, and the next one is whole', async () => {
  const blobs = open();
  for (let round = 0; round < 20; round++)
    for await (const piece of blobs.read('b/large')) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
  expect(Buffer.concat(await all(blobs.read('b/large'))).length).toBe(LARGE_BYTES);
});

test('a container or blob that is not there is refused by its name, and none is made', async () => {
  const refused = (message: string) => ({ code: 'PS_CONSUME_REFUSED', message });
  await expect(all(open('nothing').list(''))).rejects.toMatchObject(
    refused('blob container nothing is not there: who writes to it makes it with the first file'),
  );
  await expect(all(open().read('c/1'))).rejects.toMatchObject(refused('blob files/c/1 is not there'));
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  expect(await service.getContainerClient('nothing').exists()).toBe(false);
});
