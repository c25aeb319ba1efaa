import { expect, test } from 'vitest';
import { createLateEvents } from '../../../src/aggregators/state/late.js';
import type { LateEvent } from '../../../src/shared/late-events.js';
import { createPartitionDriver, pageView, START_MS } from '../driver.js';

const HOUR = 3_600_000;

const event = (sequenceNumber: number): LateEvent => ({
  sequenceNumber,
  index: 0,
  id: `e${sequenceNumber}`,
  type: 'page_view',
  timeMs: 0,
  enqueuedAtMs: 0,
  behindMs: 0,
  metrics: {},
});
const numbers = (events: readonly LateEvent[] | undefined) => events?.map(({ sequenceNumber }) => sequenceNumber);

test('what is taken is what came since, and names the one before it', () => {
  const late = createLateEvents();
  late.add(event(1));
  expect(late.takeDirty()).toEqual({ after: undefined, events: [event(1)] });
  expect(late.takeDirty()).toBeUndefined();
  late.add(event(2));
  late.add(event(3));
  expect(late.takeDirty()).toEqual({ after: event(1), events: [event(2), event(3)] });
});

test('of what waits for longer than the stream holds the newest is written, and then nothing is before it', () => {
  const late = createLateEvents([], 10);
  for (let number = 1; number <= 15; number++) late.add(event(number));
  expect(late.takeDirty()).toEqual({ after: undefined, events: [6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map(event) });
  expect(late.takeDirty()).toBeUndefined();
  expect(numbers(late.entries())).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
});

test('what was not written is taken again with all that is kept', () => {
  const late = createLateEvents();
  late.add(event(1));
  late.takeDirty();
  late.written();
  late.add(event(2));
  late.takeDirty();
  late.markAllDirty();
  late.written();
  expect(late.takeDirty()).toEqual({ after: undefined, events: [event(1), event(2)] });
});

test('memory is bounded: the newest stay, and of those that are written a few', () => {
  const late = createLateEvents([], 1_000);
  for (let at = 0; at < 5_000; at++) {
    late.add(event(at));
    expect(late.entries().length).toBeLessThanOrEqual(1_000);
  }
  const change = late.takeDirty();
  expect(change?.after).toBeUndefined();
  expect(numbers(change?.events)).toEqual(Array.from({ length: 1_000 }, (_, at) => 4_000 + at));
  late.written();
  expect(numbers(late.entries())).toEqual(Array.from({ length: 500 }, (_, at) => 4_500 + at));
});

test('a late event is kept with its place, how late it was, and the panes that it would have been in', () => {
  const driver = createPartitionDriver();
  driver.send([pageView(3 * HOUR)]);
  driver.send([pageView(3 * HOUR), { ...pageView(90_000), id: 'x'.repeat(300), type: 'scroll' }]);
  driver.read();
  expect(driver.state.takeChanges()?.late?.events).toEqual([
    {
      sequenceNumber: 1,
      index: 1,
      id: 'x'.repeat(256),
      type: 'scroll',
      timeMs: START_MS + 90_000,
      enqueuedAtMs: START_MS + 3 * HOUR,
      behindMs: 3 * HOUR - 90_000,
      metrics: {
        visitors: START_MS + 60_000,
        devices: START_MS + 60_000,
        sessionDuration: START_MS,
        sessions: START_MS,
      },
    },
  ]);
});

test('a late event that was read and not written is in the saved state', async () => {
  const driver = createPartitionDriver();
  driver.send([pageView(3 * HOUR), pageView(0)]);
  driver.read();
  await driver.save();
  await driver.crash();
  expect(driver.state.takeChanges()?.late?.events).toHaveLength(1);
});
