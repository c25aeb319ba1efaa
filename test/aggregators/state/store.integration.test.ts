import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { SavedState } from '../../../src/aggregators/state/saved.js';
import { snapshotCodec } from '../../../src/aggregators/state/snapshot.js';
import { createStateStore, type StateStore } from '../../../src/aggregators/state/store.js';
import { type BlobStore, createBlobStore, openContainer } from '../../../src/messaging/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { startTestAzurite, type TestAzurite } from '../../helpers/azurite.js';
import { createPartitionDriver, pageView } from '../driver.js';

let azurite: TestAzurite;
let blobs: BlobStore;
let store: StateStore;
let folders = 0;

beforeAll(async () => {
  azurite = await startTestAzurite();
  blobs = createBlobStore(await openContainer({ connectionString: azurite.connectionString }, 'states'));
});
afterAll(() => azurite.stop());
beforeEach(() => {
  store = openStore(blobs);
});

const openStore = (on: BlobStore, folder = `f${folders++}`) =>
  createStateStore({ blobs: on, codec: snapshotCodec, logger: createLogger('test', 'silent') }, folder);

/** A state after this many hub events. */
function stateAfter(events: number): SavedState {
  const driver = createPartitionDriver();
  for (let at = 0; at < events; at++) driver.count(pageView(at * 1_000));
  return driver.state.save();
}

test('each claim has a higher epoch and what was saved last', async () => {
  const first = await store.claim('0');
  expect(first).toMatchObject({ epoch: 1, saved: undefined });
  await first.save(stateAfter(3));
  const second = await store.claim('0');
  expect(second.epoch).toBe(2);
  expect(second.saved?.position.sequenceNumber).toBe(2);
  expect((await store.claim('1')).epoch).toBe(1);
  expect((await store.claim('0')).epoch).toBe(3);
});

test('a former owner cannot save, however far on it is, nor raise its epoch', async () => {
  const former = await store.claim('0');
  await former.save(stateAfter(3));
  const owner = await store.claim('0');
  const fenced = { code: 'PS_PARTITION_FENCED', facts: { epoch: 1, by: 2 } };
  await expect(former.save(stateAfter(5))).rejects.toMatchObject(fenced);
  await expect(former.raiseAbove(1)).rejects.toMatchObject(fenced);
  await owner.save(stateAfter(4));
  await expect(former.save(stateAfter(6))).rejects.toMatchObject(fenced);
  expect((await store.claim('0')).saved?.position.sequenceNumber).toBe(3);
});

test('of many claims at once each has an epoch of its own, and only the highest can save', async () => {
  const claims = await Promise.all(Array.from({ length: 6 }, () => store.claim('0')));
  expect(new Set(claims.map(({ epoch }) => epoch)).size).toBe(6);
  const highest = Math.max(...claims.map(({ epoch }) => epoch));
  const outcomes = await Promise.all(
    claims.map(async (claim) => [
      claim.epoch,
      await claim
        .save(stateAfter(1))
        .then(() => true)
        .catch(() => false),
    ]),
  );
  expect(outcomes.filter(([, saved]) => saved)).toEqual([[highest, true]]);
});

test('a save whose answer was lost is not taken for that of another owner', async () => {
  let lost = 0;
  const deaf: BlobStore = {
    ...blobs,
    async write(name, bytes, options) {
      const result = await blobs.write(name, bytes, options);
      if (lost++ > 0 || !('version' in result)) return result;
      // The SDK sends again what it had no answer to.
      return blobs.write(name, bytes, options);
    },
  };
  const folder = `f${folders++}`;
  await openStore(blobs, folder).claim('0');
  const owner = await openStore(deaf, folder).claim('0');
  await owner.save(stateAfter(2));
  await owner.save(stateAfter(3));
  expect((await openStore(blobs, folder).claim('0')).saved?.position.sequenceNumber).toBe(2);
});

test('an epoch is raised above those of a store that is gone', async () => {
  const owner = await store.claim('0');
  await owner.raiseAbove(17);
  expect(owner.epoch).toBe(18);
  await owner.save(stateAfter(1));
  expect((await store.claim('0')).epoch).toBe(19);
});

test('which hub a state is of is known with the state, and before anything is saved of a new one', async () => {
  const first = await store.claim('0');
  expect(first.savedHubCreatedAtMs).toBeUndefined();
  await first.save(stateAfter(1), 5);
  const second = await store.claim('0');
  expect(second).toMatchObject({ savedHubCreatedAtMs: 5 });
  await second.startAnew(6);
  await expect(first.startAnew(7)).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED' });
  expect(await store.claim('0')).toMatchObject({ epoch: 3, saved: undefined, savedHubCreatedAtMs: 6 });
});

test('a damaged state is made anew, and one of a newer version is refused and left as it is', async () => {
  const folder = `f${folders++}`;
  await blobs.write(`${folder}/state/g8/0`, Buffer.from('damaged'), {
    metadata: { ownerepoch: '4' },
    ifVersion: undefined,
  });
  expect(await openStore(blobs, folder).claim('0')).toMatchObject({ epoch: 5, saved: undefined });
  await blobs.write(`${folder}/state/g8/1`, Buffer.from('PSS9 of the future'), { metadata: {}, ifVersion: undefined });
  const before = await blobs.read(`${folder}/state/g8/1`);
  await expect(openStore(blobs, folder).claim('1')).rejects.toMatchObject({ code: 'PS_SNAPSHOT_VERSION' });
  expect(await blobs.read(`${folder}/state/g8/1`)).toEqual(before);
});

test('a container that is removed while it is used is made again, by a claim and by a save', async () => {
  const container = await openContainer({ connectionString: azurite.connectionString }, 'removed');
  const folder = `f${folders++}`;
  const open = () => openStore(createBlobStore(container), folder);
  const owner = await open().claim('0');
  await owner.save(stateAfter(2));
  await container.delete();
  await owner.save(stateAfter(3));
  expect((await open().claim('0')).saved?.position.sequenceNumber).toBe(2);
  await container.delete();
  expect(await open().claim('0')).toMatchObject({ epoch: 1, saved: undefined });
});

test('a container that cannot be made again is told, and not asked for without an end', async () => {
  const container = await openContainer({ connectionString: azurite.connectionString }, 'refused');
  const owner = await openStore(createBlobStore(container)).claim('0');
  await container.delete();
  container.createIfNotExists = () => Promise.reject(new Error('being deleted'));
  await expect(owner.save(stateAfter(2))).rejects.toMatchObject({
    code: 'PS_CONSUME_UNAVAILABLE',
    message: expect.stringContaining('container does not exist'),
  });
});
