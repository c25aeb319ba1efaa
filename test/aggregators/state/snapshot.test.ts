import { expect, test } from 'vitest';
import { decodeSnapshot, encodeSnapshot } from '../../../src/aggregators/state/snapshot.js';
import { createVisitors } from '../../../src/aggregators/state/visitors.js';
import { createPartitionDriver, pageView } from '../driver.js';

async function snapshotOfSomeTraffic(): Promise<Buffer> {
  const driver = createPartitionDriver();
  for (let at = 0; at < 50; at++) driver.count(pageView(at * 7_000, { visitor: `v${at % 9}`, path: `/${at % 4}` }));
  return encodeSnapshot(driver.state.save());
}

test('what is decoded is what was encoded', async () => {
  const bytes = await snapshotOfSomeTraffic();
  const decoded = await decodeSnapshot(bytes);
  expect(decoded.position.sequenceNumber).toBe(49);
  expect(await encodeSnapshot(decoded)).toEqual(bytes);
});

test('what another producer sends in place of names never makes the saved state unreadable', async () => {
  const driver = createPartitionDriver();
  const odd = (data: unknown) => ({ ...pageView(0), data });
  driver.count(odd({ anonymousId: 17 }), odd({ userId: { a: 1 } }));
  expect(driver.total('malformed')).toBe(2);
  driver.count(
    odd({ anonymousId: 'v', context: { device: { a: 1 } } }),
    odd({ userId: 'v', context: 'none', page: [] }),
  );
  driver.count(odd([]), odd({ anonymousId: null, page: { path: 5 }, properties: 'none' }));
  expect(driver.total('counted')).toBe(4);
  expect(driver.pane('devices', 0, 'other')).toBe(1);
  const decoded = await decodeSnapshot(await encodeSnapshot(driver.state.save()));
  expect(createVisitors({ maxVisitors: 10, lookBackMs: 0 }, decoded.visitors).size).toBe(1);
});

test('a state before its first event with a readable time is saved too', async () => {
  const driver = createPartitionDriver();
  driver.count('no event');
  const decoded = await decodeSnapshot(await encodeSnapshot(driver.state.save()));
  expect(decoded.watermarkMs).toBeNull();
  expect(decoded.ids.rotatedAtMs).toBe(Number.NEGATIVE_INFINITY);
});

test('a state that was written before sessions could have texts as states is read', async () => {
  const driver = createPartitionDriver();
  driver.count(pageView(0), pageView(60_000));
  const saved = driver.state.save();
  const earlier = { ...saved, sessions: { ...saved.sessions, otherStates: undefined as never } };
  const decoded = await decodeSnapshot(await encodeSnapshot(earlier));
  expect(decoded.sessions).toEqual({ ...saved.sessions, otherStates: [] });
});

test('how often something was taken back in a pane, and that it takes no further names, are in it', async () => {
  const driver = createPartitionDriver();
  driver.count(pageView(0));
  const names = ['a', '(other)'];
  const panes = {
    metric: [[0, names, [1, 2]] as const, [60, names, [1, 2], 3] as const, [120, names, [1, 2], 0, true] as const],
  };
  const decoded = await decodeSnapshot(await encodeSnapshot({ ...driver.state.save(), panes }));
  expect(decoded.panes).toEqual(panes);
});

test('a snapshot that is cut short, damaged or of another kind is refused, never half read', async () => {
  const damaged = { code: 'PS_SNAPSHOT_UNREADABLE' };
  const bytes = await snapshotOfSomeTraffic();
  for (const length of [0, 3, 7, 8, 20, bytes.length - 1]) {
    await expect(decodeSnapshot(bytes.subarray(0, length)), `${length} bytes`).rejects.toMatchObject(damaged);
  }
  for (const at of [4, 8, 30, 60, bytes.length - 1]) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] as number) ^ 0xff;
    await expect(decodeSnapshot(flipped), `byte ${at}`).rejects.toMatchObject(damaged);
  }
  await expect(decodeSnapshot(Buffer.from('PSS4 something else'))).rejects.toMatchObject(damaged);
  await expect(decodeSnapshot(Buffer.from('PSS9 something else'))).rejects.toMatchObject({
    code: 'PS_SNAPSHOT_VERSION',
  });
});
