import { expect, test } from 'vitest';
import { createInTime } from '../../../src/messaging/azure/in-time.js';
import { createManualClock } from '../../helpers/manual-clock.js';

test('what is answered in time is the answer, and leaves no timer behind', async () => {
  const clock = createManualClock();
  const inTime = createInTime({ clock, answerMs: 60_000 });
  expect(await inTime(async () => 'leases')).toBe('leases');
  await expect(inTime(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  expect(clock.pending).toBe(0);
});

test('what is not answered in time is an error, also where the abort is not heard, and what comes later is nothing', async () => {
  const clock = createManualClock();
  const inTime = createInTime({ clock, answerMs: 60_000 });
  let signal: AbortSignal | undefined;
  let answer: (leases: string) => void = () => {};
  const asked = inTime((abortSignal) => {
    signal = abortSignal;
    return new Promise<string>((resolve) => {
      answer = resolve;
    });
  });
  const given = expect(asked).rejects.toThrow('no answer within 60 s');
  clock.advance(59_999);
  expect(signal?.aborted).toBe(false);
  clock.advance(1);
  answer('late');
  await given;
  expect(signal?.aborted).toBe(true);
});
