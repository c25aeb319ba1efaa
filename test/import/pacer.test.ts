import { describe, expect, it } from 'vitest';
import { createPacer } from '../../src/import/pacer.js';

describe('the pace', () => {
  it('without a pace every event is due at once', () => {
    expect(createPacer({})(1000, 5)).toBe(0);
  });

  it('a rate spreads events evenly', () => {
    const pacer = createPacer({ rate: 50 });
    expect([0, 1, 50].map((sent) => pacer(sent, 0))).toEqual([0, 20, 1000]);
  });

  it('a speed keeps the gaps of the file, and events that are out of order wait for nothing', () => {
    const pacer = createPacer({ speed: 10 });
    expect([5000, 6000, 5500, 9000].map((timeMs, sent) => pacer(sent, timeMs))).toEqual([0, 100, 100, 400]);
  });

  it('rate and speed together are an error that names both', () => {
    expect(() => createPacer({ rate: 1, speed: 1 })).toThrow(/--rate and --speed/);
  });
});
