import { beforeEach, expect, test } from 'vitest';
import { createSessionRig, MINUTE, ROOM_FOR_IDS, type SessionRig } from './rig.js';

let rig: SessionRig;

beforeEach(() => {
  rig = createSessionRig();
});

test('at which error of its own code a reader stops is told, and until a hub event is applied again', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(50);
  expect(rig.reports.at(-1)).toMatchObject({ sequenceNumber: 0, stopped: null });
  const { apply } = rig.state;
  rig.state.apply = () => {
    throw new TypeError('what visitor-1 did has no name');
  };
  await expect(rig.session.process([rig.hubEvent(0)])).rejects.toThrow('has no name');
  expect(rig.reports.at(-1)).toMatchObject({
    sequenceNumber: 0,
    stopped: expect.stringMatching(/^TypeError at .+:\d+:\d+$/),
  });
  await rig.session.close();
  rig.session = rig.open();
  await rig.advance(50);
  expect(rig.reports.at(-1)).toMatchObject({ sequenceNumber: 0, stopped: expect.stringContaining('TypeError') });
  rig.state.apply = apply;
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(200);
  expect(rig.reports.at(-1)).toMatchObject({ stopped: null });
});

test('why the state is not saved is told, until it is saved again', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(1_500);
  expect(rig.reports.at(-1)).toMatchObject({ sequenceNumber: 0, unsaved: null });
  rig.storeIsAway = true;
  await rig.session.process([rig.hubEvent(1)]);
  await rig.advance(1_500);
  expect(rig.reports.at(-1)).toMatchObject({ sequenceNumber: 1, unsaved: 'away' });
  await rig.session.process([rig.hubEvent(2)]);
  await rig.advance(150);
  expect(rig.reports.at(-1)).toMatchObject({ sequenceNumber: 2, unsaved: 'away' });
  rig.storeIsAway = false;
  await rig.advance(11_000);
  expect(rig.reports.at(-1)).toMatchObject({ sequenceNumber: 2, unsaved: null });
});

test('offers are looked after when the partition is opened, as some may be left, and after what was read', async () => {
  expect(rig.kicks).toBe(1);
  await rig.session.process([rig.hubEvent(0)]);
  expect(rig.kicks).toBe(2);
});

test('ids that are forgotten early, because too many came, are told in each report, and in the log once', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(50);
  expect(rig.reports.at(-1)).toMatchObject({ idsRememberedMs: null });
  for (let minute = 1; minute < 5; minute++) {
    await rig.session.process([rig.hubEvent(...Array.from({ length: ROOM_FOR_IDS }, () => minute))]);
    await rig.advance(200);
  }
  expect(rig.reports.at(-1)).toMatchObject({ idsRememberedMs: MINUTE });
  expect(rig.logged.filter((line) => line.includes('event ids are forgotten early'))).toHaveLength(1);
});

test('how the offers are is told with each write, and when it changes while nothing is read', async () => {
  await rig.session.process([rig.hubEvent(0)]);
  await rig.advance(50);
  const before = rig.reports.length;
  rig.offersChanged();
  expect(rig.reports).toHaveLength(before + 1);
  expect(rig.reports.at(-1)).toMatchObject({ offersWaiting: 0, offersGivenUp: 2 });
  await rig.session.close();
  const atClose = rig.reports.length;
  rig.offersChanged();
  expect(rig.reports).toHaveLength(atClose);
});
