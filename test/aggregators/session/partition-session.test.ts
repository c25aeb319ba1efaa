import { beforeEach, expect, test } from 'vitest';
import { createSessionRig, type SessionRig } from './rig.js';

let rig: SessionRig;

beforeEach(() => {
  rig = createSessionRig();
});

test('the first change is shown at once, further ones together after the interval', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(50);
  expect(rig.deeds).toEqual(['show 0']);
  await rig.session.process([rig.hubEvent(0)]);
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(100);
  expect(rig.deeds).toEqual(['show 0', 'show 2']);
});

test('what a former owner has shown further on is shown whole once this one has come as far', async () => {
  rig.aheadAt = 2;
  await rig.session.process([{ ...rig.hubEvent(0), body: Buffer.from('no pack') }]);
  await rig.advance(100);
  for (let count = 0; count < 3; count++) {
    await rig.session.process([rig.hubEvent(0)]);
    await rig.advance(100);
  }
  expect(rig.shown).toEqual([['malformed'], ['counted'], ['counted', 'malformed'], ['counted']]);
});

test('the state is saved now and then, and the checkpoint follows it', async () => {
  await rig.session.process([rig.hubEvent(0), rig.hubEvent(0)]);
  await rig.advance(1_000);
  expect(rig.deeds).toEqual(['show 1', 'save 1', 'checkpoint 1']);
  await rig.advance(5_000);
  expect(rig.deeds).toHaveLength(3);
});

test('what was applied in part is neither shown nor saved, so that the next owner reads all of it again', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(50);
  const { apply } = rig.state;
  rig.state.apply = (pack, at) => {
    apply(pack?.slice(0, 1), at);
    throw new Error('a bug');
  };
  await expect(rig.session.process([rig.hubEvent(0, 1)])).rejects.toThrow('a bug');
  await expect(rig.session.process([rig.hubEvent(2)])).rejects.toThrow('opened again');
  await rig.advance(5_000);
  await rig.session.close();
  expect(rig.deeds.filter((deed) => !deed.endsWith(' 0'))).toEqual([]);
});

test('a state that could not be saved is saved with the next change, and without a checkpoint before', async () => {
  rig.storeIsAway = true;
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(1_000);
  rig.storeIsAway = false;
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(1_000);
  expect(rig.deeds.filter((deed) => !deed.startsWith('show'))).toEqual(['save 1', 'checkpoint 1']);
});

test('figures that change all the time do not put checkpoints off, and none is ahead of them', async () => {
  for (let count = 0; count < 100; count++) {
    await rig.session.process([rig.hubEvent(0)]);
    await rig.advance(50);
  }
  let shownAt = -1;
  let checkpoints = 0;
  for (const [kind, at] of rig.deeds.map((deed) => deed.split(' '))) {
    if (kind === 'show') shownAt = Number(at);
    if (kind !== 'checkpoint') continue;
    checkpoints++;
    expect(Number(at)).toBeLessThanOrEqual(shownAt);
  }
  expect(checkpoints).toBeGreaterThanOrEqual(4);
});

test('an empty pack is no lag', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(100);
  await rig.session.process([{ ...rig.hubEvent(0), body: Buffer.from('[]') }]);
  await rig.advance(100);
  expect(rig.reports.at(-1)?.sequenceNumber).toBe(1);
  expect(rig.deeds).toEqual(['show 0']);
});

test('while nothing comes it looks whether what was shown is still there', async () => {
  await rig.session.process([]);
  await rig.settle();
  expect(rig.deeds).toEqual(['look']);
});

test('it does not look while there is something to show, which tells as well, nor while the sink has not answered', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.session.process([]);
  await rig.advance(50);
  expect(rig.deeds).toEqual(['show 0']);
  const answer = rig.holdSink();
  for (let count = 0; count < 3; count++) await rig.session.process([]);
  answer();
  await rig.settle();
  expect(rig.deeds).toEqual(['show 0', 'look']);
});

test('closing saves the state while the sink does not answer', async () => {
  const answer = rig.holdSink();
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(100);
  await rig.session.process([rig.hubEvent(0)]);
  const closed = rig.session.close();
  await rig.settle();
  expect(rig.deeds).toEqual(['save 1']);
  answer();
  await closed;
  expect(rig.deeds).toEqual(['save 1', 'show 0', 'show 1', 'checkpoint 1']);
});

test('a clock that is set back by an hour puts neither figures nor saves off', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(1_000);
  rig.clock.jump(-3_600_000);
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(100);
  expect(rig.deeds).toEqual(['show 0', 'save 0', 'checkpoint 0', 'show 1']);
  await rig.advance(10_000);
  expect(rig.deeds).toEqual(['show 0', 'save 0', 'checkpoint 0', 'show 1', 'save 1', 'checkpoint 1']);
});

test('closing saves and shows what there is, and then comes the checkpoint', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.session.close();
  expect(rig.deeds).toEqual(['save 0', 'show 0', 'checkpoint 0']);
  expect(rig.closes).toBe(1);
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(5_000);
  expect(rig.deeds).toHaveLength(3);
  expect(rig.clock.pending).toBe(0);
});
