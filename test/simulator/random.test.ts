import { describe, expect, it } from 'vitest';
import { createRandom, createZipf, exponential, integerBetween } from '../../src/simulator/random.js';

const take = (count: number, draw: () => number) => Array.from({ length: count }, draw);

describe('chance', () => {
  it('is the same for the same seed, also beyond 32 bits', () => {
    for (const seed of [0, 1, -1, 2 ** 40, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER]) {
      expect(take(50, createRandom(seed))).toEqual(take(50, createRandom(seed)));
    }
    expect(take(5, createRandom(2 ** 40))).not.toEqual(take(5, createRandom(2 ** 41)));
  });

  it('is even over the interval, and neighbouring seeds have nothing in common', () => {
    const tenths = Array(10).fill(0);
    const random = createRandom(7);
    for (const value of take(100_000, random)) tenths[Math.floor(value * 10)] += 1;
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    const other = take(1000, createRandom(2));
    const gaps = take(1000, createRandom(1)).map((value, index) => value - (other[index] as number));
    expect(Math.abs(gaps.reduce((sum, gap) => sum + gap, 0) / 1000)).toBeLessThan(0.05);
  });

  it('whole numbers reach both ends', () => {
    const random = createRandom(3);
    expect(new Set(take(1000, () => integerBetween(random, 2, 4)))).toEqual(new Set([2, 3, 4]));
  });

  it('gaps have the mean that was asked for', () => {
    const random = createRandom(4);
    const sum = take(50_000, () => exponential(random, 10)).reduce((total, gap) => total + gap, 0);
    expect(Math.abs(sum / 50_000 - 10)).toBeLessThan(0.3);
  });

  it('by the law of Zipf the first is drawn twice as often as the second', () => {
    const random = createRandom(5);
    const draw = createZipf(100, 1);
    const counts = Array(100).fill(0);
    for (let index = 0; index < 100_000; index++) counts[draw(random)] += 1;
    expect(counts[0] / counts[1]).toBeGreaterThan(1.85);
    expect(counts[0] / counts[1]).toBeLessThan(2.15);
    expect(counts[99]).toBeGreaterThan(0);
  });
});
