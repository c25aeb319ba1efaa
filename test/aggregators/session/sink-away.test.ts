import { beforeEach, expect, test } from 'vitest';
import { createSessionRig, type SessionRig } from './rig.js';

let rig: SessionRig;

beforeEach(() => {
  rig = createSessionRig();
});

test('a checkpoint is of what is shown: while the sink is away the state is saved without one', async () => {
  rig.sinkIsAway = true;
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(3_000);
  expect(rig.deeds).toEqual(['save 0']);
  rig.sinkIsAway = false;
  await rig.advance(3_000);
  expect(rig.deeds).toEqual(['save 0', 'show 0', 'checkpoint 0']);
});

test('a sink that stays away is told of once, and again when it was back in between', async () => {
  const complaints = () => rig.logged.filter((line) => line.includes('could not be written')).length;
  await rig.session.process([rig.hubEvent(0)]);
  for (const times of [1, 2]) {
    rig.sinkIsAway = true;
    await rig.session.process([rig.hubEvent(0)]);
    await rig.advance(3_000);
    expect(complaints()).toBe(times);
    rig.sinkIsAway = false;
    await rig.advance(1_000);
  }
});

test('what the sink lost has to be shown again before a checkpoint is of it', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(50);
  rig.sinkIsAway = true;
  rig.recover();
  await rig.advance(3_000);
  expect(rig.deeds).toEqual(['show 0', 'adopt', 'save 0']);
  rig.sinkIsAway = false;
  await rig.advance(3_000);
  expect(rig.deeds).toEqual(['show 0', 'adopt', 'save 0', 'show 0', 'checkpoint 0']);
});

test('what the sink lost while it was being written is not taken for shown', async () => {
  const answer = rig.holdSink();
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(50);
  rig.recover();
  answer();
  await rig.settle();
  rig.sinkIsAway = true;
  await rig.advance(3_000);
  expect(rig.deeds).toEqual(['show 0', 'adopt', 'save 0']);
});

test('while the sink is away reading pauses once too much waits, and goes on when it is back', async () => {
  rig.sinkIsAway = true;
  await rig.session.process([rig.hubEvent(0, 1)]);
  let done = false;
  const paused = rig.session.process([rig.hubEvent(2, 3, 4, 5)]).then(() => {
    done = true;
  });
  await rig.advance(2_000);
  expect(done).toBe(false);
  rig.sinkIsAway = false;
  await rig.advance(1_000);
  await paused;
  expect(rig.deeds.find((deed) => deed.startsWith('show'))).toBe('show 1');
});

test('a sink that stays away makes the partition be given up, its state saved with what is not shown', async () => {
  rig.sinkIsAway = true;
  let failure: unknown;
  const given = rig.session.process([rig.hubEvent(0, 1, 2, 3, 4)]).catch((error: unknown) => {
    failure = error;
  });
  await rig.advance(7_000);
  await given;
  expect(failure).toMatchObject({ code: 'PS_SINK_UNAVAILABLE' });
  await rig.session.close();
  expect(rig.deeds).toEqual(['save 0']);
});

test('after the sink lost what it had everything is shown again', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(200);
  const before = rig.reports.length;
  rig.recover();
  await rig.advance(200);
  expect(rig.deeds).toEqual(['show 0', 'adopt', 'show 0']);
  expect(rig.reports.length).toBeGreaterThan(before);
});
