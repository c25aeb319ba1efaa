import { expect, it } from 'vitest';
import { createNewestPositions } from '../../../src/query/system/newest-positions.js';
import { createManualClock } from '../../helpers/manual-clock.js';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A hub whose answers come when the test gives them. */
function createRig() {
  const clock = createManualClock();
  const asked: { answer(last: number): void; fail(): void }[] = [];
  const counts = { opened: 0, closed: 0 };
  const newest = createNewestPositions(async () => {
    counts.opened++;
    return {
      partitions: () =>
        new Promise((resolve, reject) => {
          asked.push({
            answer: (last) => resolve(['0', '1'].map((partitionId) => factsOf(partitionId, last))),
            fail: () => reject(new Error('the hub is away')),
          });
        }),
      close: async () => void counts.closed++,
    };
  }, clock);
  return { clock, asked, counts, newest };
}

const factsOf = (partitionId: string, lastSequenceNumber: number) => ({
  ...{ partitionId, empty: false, firstSequenceNumber: 0, lastSequenceNumber, lastEnqueuedAtMs: 0 },
});

it('the hub is asked once in five seconds over one connection, however many want to know', async () => {
  const { clock, asked, counts, newest } = createRig();
  const first = [newest.read(), newest.read()];
  await settle();
  expect(asked).toHaveLength(1);
  asked[0]?.answer(7);
  const positions = new Map([
    ['0', 7],
    ['1', 7],
  ]);
  expect(await Promise.all(first)).toEqual([positions, positions]);
  clock.advance(4_999);
  expect(await newest.read()).toEqual(positions);
  expect(asked).toHaveLength(1);
  clock.advance(1);
  const next = newest.read();
  await settle();
  asked[1]?.answer(9);
  expect((await next).get('0')).toBe(9);
  expect(counts).toEqual({ opened: 1, closed: 0 });
  expect(clock.pending).toBe(0);
  await newest.close();
  expect(counts.closed).toBe(1);
});

it.each(['is away', 'does not answer'])('of a hub that %s nothing is known, and nobody waits for it', async (how) => {
  const { clock, asked, counts, newest } = createRig();
  const first = newest.read();
  await settle();
  if (how === 'is away') asked[0]?.fail();
  else clock.advance(3_000);
  expect(await first).toEqual(new Map());
  await settle();
  expect(counts).toEqual({ opened: 1, closed: 1 });
  clock.advance(5_000);
  const next = newest.read();
  await settle();
  asked[1]?.answer(3);
  expect((await next).get('1')).toBe(3);
  expect(counts.opened).toBe(2);
});
