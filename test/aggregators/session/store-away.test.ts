import { beforeEach, expect, test } from 'vitest';
import { createSessionRig, type SessionRig } from './rig.js';

let rig: SessionRig;

beforeEach(() => {
  rig = createSessionRig();
});

const INTERVAL_MS = 1_000;
const saved = () => rig.deeds.filter((deed) => !deed.startsWith('show'));

test('a save that failed after a long time is tried again soon, with what came meanwhile and its checkpoint behind it', async () => {
  const answer = rig.holdStore();
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(60_000);
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(50);
  expect(rig.saves).toBe(1);
  answer(new Error('no answer'));
  await rig.settle();
  expect(saved()).toEqual([]);
  await rig.advance(500);
  expect(saved()).toEqual(['save 1', 'checkpoint 1']);
});

test('it is tried again also while a checkpoint waits for a sink that does not answer', async () => {
  rig.storeIsAway = true;
  const answer = rig.holdSink();
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(INTERVAL_MS);
  rig.storeIsAway = false;
  await rig.advance(500);
  expect(saved()).toEqual(['save 0']);
  answer();
  await rig.advance(INTERVAL_MS);
  expect(saved()).toEqual(['save 0', 'checkpoint 0']);
});

test('a store that stays away is asked no more often than it is to save, whatever comes', async () => {
  rig.storeIsAway = true;
  for (let count = 0; count < 60; count++) {
    await rig.session.process([rig.hubEvent(0)]);
    await rig.advance(INTERVAL_MS);
  }
  // The first wait is half as long.
  expect(rig.saves).toBeGreaterThan(55);
  expect(rig.saves).toBeLessThanOrEqual(61);
  rig.storeIsAway = false;
  await rig.advance(INTERVAL_MS);
  expect(saved()).toEqual(['save 59', 'checkpoint 59']);
});

/** The times between the attempts to save of the next while. */
async function waitsIn(ms: number): Promise<number[]> {
  const attempts: number[] = [];
  for (let passedMs = 0, before = rig.saves; passedMs < ms; passedMs += 50) {
    await rig.advance(50);
    if (rig.saves > before) attempts.push(passedMs);
    before = rig.saves;
  }
  return attempts.slice(1).map((atMs, index) => atMs - (attempts[index] as number));
}

test('where saves take long a failed one waits longer each time, up to the rest between saves', async () => {
  const answer = rig.holdStore();
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(INTERVAL_MS + 200);
  answer();
  await rig.settle();
  // A twentieth of the time is for saving.
  rig.storeIsAway = true;
  await rig.session.process([rig.hubEvent(0)]);
  expect(await waitsIn(20_000)).toEqual([500, 1_000, 2_000, 4_000, 4_000, 4_000]);
});

test('after the state was saved again the next failure waits as little as the first', async () => {
  for (let times = 0; times < 2; times++) {
    rig.storeIsAway = true;
    await rig.session.process([rig.hubEvent(0)]);
    expect((await waitsIn(5_000)).slice(0, 3)).toEqual([500, 1_000, 1_000]);
    rig.storeIsAway = false;
    await rig.advance(2 * INTERVAL_MS);
  }
});

test('closing saves what could not be saved before, and leaves nothing to be tried', async () => {
  rig.storeIsAway = true;
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(3 * INTERVAL_MS);
  rig.storeIsAway = false;
  await rig.session.close();
  expect(saved()).toEqual(['save 0', 'checkpoint 0']);
  expect(rig.clock.pending).toBe(0);
});

test('closing while the store is away leaves nothing to be tried either', async () => {
  rig.storeIsAway = true;
  await rig.session.process([rig.hubEvent(0)]);
  await rig.session.close();
  await rig.advance(5 * INTERVAL_MS);
  expect(rig.saves).toBe(1);
  expect(rig.clock.pending).toBe(0);
});
