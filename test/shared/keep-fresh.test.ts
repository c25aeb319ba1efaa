import { expect, test } from 'vitest';
import { keepFresh } from '../../src/shared/keep-fresh.js';
import { createManualClock } from '../helpers/manual-clock.js';

const FRESH_MS = 100;

function counting(clock = createManualClock()) {
  let asked = 0;
  const read = keepFresh(clock, FRESH_MS, async () => ++asked);
  return { clock, read };
}

test('who asks meanwhile, or soon after, gets the same; who asks later gets another', async () => {
  const { clock, read } = counting();
  expect(await Promise.all([read(), read()])).toEqual([1, 1]);
  clock.advance(FRESH_MS - 1);
  expect(await read()).toBe(1);
  clock.advance(1);
  expect(await read()).toBe(2);
});

test('what was read does not last for as long as a clock was set back', async () => {
  const { clock, read } = counting();
  await read();
  clock.jump(-60 * 60_000);
  expect(await read()).toBe(2);
});

test('who shares a reading that fails is told, and the next one reads again', async () => {
  let broken = true;
  const read = keepFresh(createManualClock(), FRESH_MS, async () => {
    if (broken) throw new Error('away');
    return 'there';
  });
  const failed = await Promise.allSettled([read(), read()]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  broken = false;
  expect(await read()).toBe('there');
});
