import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Gathering } from '../../../src/gateway/pipeline/gather.js';
import { createBudget } from '../../../src/gateway/publish/budget.js';
import { createManualClock } from '../../helpers/manual-clock.js';

describe('a body that is put together', () => {
  const open = (limitBytes: number, expectedBytes?: number) => {
    const budget = createBudget(createManualClock(), 1_000_000);
    const gathering = new Gathering(budget.openHold(), { limitBytes, expectedBytes });
    return { budget, gathering };
  };

  it('is what its pieces were, and takes no more than twice of it, whatever their sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 }), fc.boolean(), (pieces, isKnown) => {
        const whole = Buffer.concat(pieces);
        const { budget, gathering } = open(100_000, isKnown ? whole.length : undefined);
        for (const piece of pieces) expect(gathering.add(Buffer.from(piece))).toBe('taken');
        expect(gathering.bytes().equals(whole)).toBe(true);
        expect(budget.pendingBytes()).toBeLessThanOrEqual(isKnown ? whole.length : Math.max(1024, 2 * whole.length));
      }),
    );
  });

  it('does not take more for coming in pieces of a byte', () => {
    const { budget, gathering } = open(100_000);
    for (let count = 0; count < 3000; count++) gathering.add(Buffer.from('x'));
    expect(budget.pendingBytes()).toBe(4096);
  });

  it('takes the length that is held for it at once, and makes no larger copy', () => {
    const budget = createBudget(createManualClock(), 1_000_000);
    const hold = budget.openHold();
    hold.claim(300_000);
    const gathering = new Gathering(hold, { limitBytes: 400_000, expectedBytes: 300_000 });
    gathering.add(Buffer.alloc(100));
    const { buffer } = gathering.bytes();
    for (let count = 0; count < 29; count++) gathering.add(Buffer.alloc(10_000));
    expect(gathering.bytes().buffer).toBe(buffer);
    expect(buffer.byteLength).toBe(300_000);
    expect(budget.pendingBytes()).toBe(300_000);
  });

  it('is refused at the first byte beyond the limit', () => {
    const { gathering } = open(10);
    expect(gathering.add(Buffer.alloc(10))).toBe('taken');
    expect(gathering.add(Buffer.alloc(1))).toBe('too_large');
  });

  it('is refused when there is no room, with nothing allocated', () => {
    const { budget, gathering } = open(2_000_000);
    budget.reserve(999_000);
    expect(gathering.add(Buffer.alloc(2000))).toBe('no_room');
    expect(budget.pendingBytes()).toBe(999_000);
  });
});
