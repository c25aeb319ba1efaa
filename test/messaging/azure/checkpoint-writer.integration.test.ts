import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import type { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBlobStore, openContainer } from '../../../src/messaging/azure/blob-container.js';
import { createCheckpointWriter } from '../../../src/messaging/azure/checkpoint-writer.js';
import { startTestAzurite, type TestAzurite } from '../../helpers/azurite.js';

let azurite: TestAzurite;
let container: ContainerClient;

beforeAll(async () => {
  azurite = await startTestAzurite();
  container = await openContainer({ connectionString: azurite.connectionString }, 'checkpoints');
});
afterAll(() => azurite.stop());

/** As every official SDK reads it. */
async function checkpointOf(partitionId: string): Promise<number | undefined> {
  const found = await new BlobCheckpointStore(container).listCheckpoints('ns.example', 'clicks', 'aggregators');
  return found.find((checkpoint) => checkpoint.partitionId === partitionId)?.sequenceNumber;
}
const writer = () => createCheckpointWriter(createBlobStore(container), 'ns.example/clicks/aggregators/checkpoint');
const at = (sequenceNumber: number) => ({ sequenceNumber, offset: String(sequenceNumber * 100) });

test('a checkpoint is where the official checkpoint store looks for it, and moves on', async () => {
  const owner = writer();
  await owner.write('0', at(5), 1);
  expect(await checkpointOf('0')).toBe(5);
  await owner.write('0', at(9), 1);
  expect(await checkpointOf('0')).toBe(9);
  expect(await checkpointOf('1')).toBeUndefined();
});

test('a former owner that was stopped for a while takes no checkpoint back, nor moves it on', async () => {
  const former = writer();
  const owner = writer();
  await former.write('2', at(5), 1);
  await owner.write('2', at(7), 2);
  await former.write('2', at(6), 1);
  await former.write('2', at(8), 1);
  expect(await checkpointOf('2')).toBe(7);
  await owner.write('2', at(9), 2);
  expect(await checkpointOf('2')).toBe(9);
});

test('a later owner may begin anew, as it does when its hub is a new one', async () => {
  await writer().write('3', at(500), 1);
  await writer().write('3', at(2), 2);
  expect(await checkpointOf('3')).toBe(2);
});
