import { beforeEach, expect, test } from 'vitest';
import { createSessionRig, type SessionRig } from './rig.js';

let rig: SessionRig;

beforeEach(() => {
  rig = createSessionRig();
});

test('after a later owner made itself known in the sink nothing is shown or saved any more, and reading ends', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(200);
  rig.laterOwner = 2;
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(200);
  rig.laterOwner = undefined;
  await expect(rig.session.process([])).rejects.toMatchObject({
    code: 'PS_PARTITION_FENCED',
    facts: { epoch: 1, by: 2 },
  });
  await expect(rig.session.process([rig.hubEvent(1)])).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED' });
  await rig.advance(10_000);
  await rig.session.close();
  expect(rig.deeds).toEqual(['show 0']);
  expect(rig.clock.pending).toBe(0);
});

test('a save that a later owner prevents is followed by no checkpoint and no further write', async () => {
  rig.laterOwnerInStore = 2;
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(2_000);
  rig.laterOwnerInStore = undefined;
  await expect(rig.session.process([])).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED' });
  rig.recover();
  await rig.advance(2_000);
  await rig.session.close();
  expect(rig.deeds).toEqual(['show 0']);
});

test('the later owner is noticed at the close too, which then leaves everything as it is', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  rig.laterOwner = 2;
  rig.laterOwnerInStore = 2;
  await rig.session.close();
  expect(rig.deeds).toEqual([]);
});
