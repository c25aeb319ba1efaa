import { describe, expect, it } from 'vitest';
import { createAlarm } from '../../../src/broker/namespace/alarm.js';
import { createManualClock } from '../../helpers/manual-clock.js';

describe('an alarm', () => {
  it('rings at the earliest moment, at least once a minute, and not at all once it was stopped', () => {
    const clock = createManualClock(0);
    const rung: number[] = [];
    const alarm = createAlarm(clock, () => rung.push(clock.now()));
    alarm.set(Number.POSITIVE_INFINITY);
    expect(clock.pending).toBe(0);
    alarm.set(5000);
    alarm.set(9000);
    alarm.set(2000);
    clock.advance(10_000);
    expect(rung).toEqual([2000]);
    alarm.set(3_600_000);
    clock.advance(60_000);
    expect(rung).toEqual([2000, 70_000]);
    alarm.set(71_000);
    alarm.stop();
    alarm.set(72_000);
    clock.advance(10_000);
    expect([rung.length, clock.pending]).toEqual([2, 0]);
  });
});
