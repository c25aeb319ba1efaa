import { describe, expect, it } from 'vitest';
import { createPressure } from '../../../src/broker/amqp/pressure.js';

const socket = () => {
  const calls: string[] = [];
  return { calls, pause: () => calls.push('pause'), resume: () => calls.push('resume') };
};

describe('back-pressure', () => {
  it('stops reading from whoever sends beyond the limit, and reads on at half of it', () => {
    const pressure = createPressure(100);
    const [calm, eager] = [socket(), socket()];
    pressure.enter(calm, 60);
    pressure.enter(eager, 60);
    expect([calm.calls, eager.calls]).toEqual([[], ['pause']]);
    pressure.leave(60);
    expect(eager.calls).toEqual(['pause']);
    pressure.leave(60);
    expect([calm.calls, eager.calls]).toEqual([[], ['pause', 'resume']]);
  });
});
