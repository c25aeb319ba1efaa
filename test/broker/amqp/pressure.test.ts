import { describe, expect, it } from 'vitest';
import { createPressure } from '../../../src/broker/amqp/pressure.js';

const socket = () => {
  const calls: string[] = [];
  return { calls, pause: () => calls.push('pause'), resume: () => calls.push('resume') };
};

describe('back-pressure', () => {
  it('stops reading from whoever sends beyond the limit, and reads on at half of it', () => {
    const pressure = createPressure({ waitingBytes: 100, refusedBytes: 1000 });
    const [calm, eager] = [socket(), socket()];
    pressure.enter(calm, 60);
    pressure.enter(eager, 60);
    expect([calm.calls, eager.calls]).toEqual([[], ['pause']]);
    pressure.leave(60);
    expect(eager.calls).toEqual(['pause']);
    pressure.leave(60);
    expect([calm.calls, eager.calls]).toEqual([[], ['pause', 'resume']]);
  });

  it('refuses what comes beyond the second limit and counts nothing of it, but takes one alone of any size', () => {
    const pressure = createPressure({ waitingBytes: 100, refusedBytes: 150 });
    const eager = socket();
    expect(pressure.enter(eager, 500)).toBe(true);
    expect(pressure.enter(eager, 1)).toBe(false);
    pressure.leave(500);
    expect(eager.calls.at(-1)).toBe('resume');
    expect([pressure.enter(eager, 100), pressure.enter(eager, 51), pressure.enter(eager, 50)]).toEqual([
      true,
      false,
      true,
    ]);
  });
});
