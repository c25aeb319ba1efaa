import { describe, expect, it } from 'vitest';
import { createTurns } from '../../src/shared/turns.js';

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
