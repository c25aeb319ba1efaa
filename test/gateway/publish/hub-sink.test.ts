import { expect, it } from 'vitest';
import { partitionForKey } from '../../../src/shared/partition-hash.js';
import { createGatewayRig, createGatewayWorld } from '../rig.js';
import { createMemoryDisk } from '../spool/memory-store.js';

const view = (at: number) => ({ id: `e${at}`, type: 'page_view', anonymousId: `v${at}` });
const views = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => view(from + at));
type Rig = Awaited<ReturnType<typeof createGatewayRig>>;

async function passUntil(rig: Rig, isSo: () => boolean) {
  for (let turns = 0; turns < 500 && !isSo(); turns++) await rig.passTime(100);
  expect(isSo()).toBe(true);
}

/** Every event is once in the partition that its visitor has among so many. */
function expectAll(world: ReturnType<typeof createGatewayWorld>, count: number) {
  const { partitions } = world.brokers.state;
  const found = partitions.flatMap((events, partition) =>
    events.map(({ id, data }) => ({
      id,
      inPlace: partitionForKey(data.anonymousId ?? '', partitions.length) === partition,
    })),
  );
  expect(new Set(found.map(({ id }) => id)).size).toBe(count);
  expect(found.every(({ inPlace }) => inPlace)).toBe(true);
}

/** A disk on which a gateway that was stopped has left so many views, with the hub away. */
async function spooledViews(world: ReturnType<typeof createGatewayWorld>, count: number) {
  const disk = createMemoryDisk();
  const rig = await createGatewayRig({ world, openSpoolStore: disk.open });
  world.brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
  for (const { durability } of await rig.results(views(0, count))) expect(durability).toBe('spool');
  await rig.gateway.stop({ deadlineMs: 1_000 });
  return disk;
}

it('a hub that was made anew with fewer partitions gets every event, where its visitor is now, and stays up', async () => {
  const world = createGatewayWorld();
  const { state } = world.brokers;
  const rig = await createGatewayRig({ world, openSpoolStore: createMemoryDisk().open });
  await rig.results(views(0, 1));
  state.partitions = [[], []];
  const accepted = await rig.results(views(1, 40));
  expect(accepted.every(({ outcome }) => outcome === 'accepted')).toBe(true);
  await passUntil(rig, () => rig.gateway.spooled().isEmpty);
  for (const { durability } of await rig.results(views(40, 80))) expect(durability).toBe('broker');
  await passUntil(rig, () => state.partitions.flat().length >= 79);
  expectAll(world, 79);
  expect((await rig.app.inject('/readyz')).json()).toMatchObject({ sinks: { 'hub:clicks': { state: 'up' } } });
  await rig.gateway.stop({ deadlineMs: 1_000 });
});

it('partitions that are added to a hub get their events within a minute', async () => {
  const world = createGatewayWorld();
  const { state } = world.brokers;
  const rig = await createGatewayRig({ world });
  await rig.results(views(0, 1));
  state.partitions.push([], [], [], []);
  await rig.passTime(61_000);
  const before = state.partitions.flat().length;
  await rig.results(views(1, 80));
  await passUntil(rig, () => state.partitions.flat().length >= before + 79);
  expect(state.partitions.slice(4).flat().length).toBeGreaterThan(20);
  // The one that came before is where it was.
  for (const events of state.partitions) {
    const at = events.findIndex(({ id }) => id === 'e0');
    if (at >= 0) events.splice(at, 1);
  }
  expectAll(world, 79);
  await rig.gateway.stop({ deadlineMs: 1_000 });
});

it('what waits on disk for a partition that the hub has no more is sent after a restart too', async () => {
  const world = createGatewayWorld();
  const { state } = world.brokers;
  const disk = await spooledViews(world, 40);
  // The facts were written by a start that was killed before it had emptied the disk.
  for (const key of disk.entries.keys())
    if (key.startsWith('!facts/')) disk.entries.set(key, Buffer.from('{"partitionCount":1,"maxBatchBytes":1048576}'));
  state.partitions = [[]];
  state.hubFailure = undefined;
  const after = await createGatewayRig({ world, openSpoolStore: disk.open });
  await passUntil(after, () => after.gateway.spooled().isEmpty);
  expectAll(world, 40);
  await after.gateway.stop({ deadlineMs: 1_000 });
});

it('what a hub takes is written down when the disk works again, for a start while the hub is away', async () => {
  const world = createGatewayWorld();
  const disk = createMemoryDisk();
  world.brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
  const first = await createGatewayRig({ world, openSpoolStore: disk.open });
  disk.full = true;
  world.brokers.state.hubFailure = undefined;
  for (let second = 0; second < 3; second++) await first.passTime(1_000);
  expect(disk.entries.size).toBe(0);
  disk.full = false;
  await passUntil(first, () => [...disk.entries.keys()].some((key) => key.startsWith('!facts/')));
  await first.gateway.stop({ deadlineMs: 1_000 });
  world.brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
  const second = await createGatewayRig({ world, openSpoolStore: disk.open });
  expect(await second.results(view(1))).toMatchObject([{ durability: 'spool' }]);
  await second.gateway.stop({ deadlineMs: 1_000 });
});

it('partitions are emptied from the disk one after the other, and all of them are', async () => {
  const world = createGatewayWorld();
  const { state } = world.brokers;
  const disk = await spooledViews(world, 40);
  state.hubFailure = undefined;
  let answer = () => {};
  state.hubWaits = new Promise((resolve) => {
    answer = resolve;
  });
  const rig = await createGatewayRig({ world, openSpoolStore: disk.open });
  await passUntil(rig, () => state.hubSends > 0);
  for (let turns = 0; turns < 5; turns++) await rig.passTime(10);
  expect(state.hubSends).toBe(1);
  answer();
  await passUntil(rig, () => rig.gateway.spooled().isEmpty);
  expectAll(world, 40);
  await rig.gateway.stop({ deadlineMs: 1_000 });
});
