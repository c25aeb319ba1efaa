import { describe, expect, it } from 'vitest';
import { createSlots, createTurns } from '../../src/shared/turns.js';

describe('turns', () => {
  it('run one after the other, also after one that failed', async () => {
    const inTurn = createTurns();
    const done: string[] = [];
    let release = () => {};
    const first = inTurn(async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      done.push('first');
    });
    const second = inTurn(async () => {
      done.push('second');
      throw new Error('no');
    });
    const third = inTurn(async () => done.push('third'));
    await Promise.resolve();
    expect(done).toEqual([]);
    release();
    await first;
    await expect(second).rejects.toThrow('no');
    await third;
    expect(done).toEqual(['first', 'second', 'third']);
  });
});

describe('slots', () => {
  it('run no more than so many at once, in the order in which they came, whatever fails', async () => {
    const inSlot = createSlots(2);
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        inSlot(async () => {
          started.push(index);
          most = Math.max(most, ++running);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
          if (index % 3 === 0) throw new Error('as the test says');
          return index;
        }),
      ),
    );
    expect(most).toBe(2);
    expect(started).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(7);
  });
});
