import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockOf, createExpiry, EXPIRY_BLOCK } from '../../../../src/broker/entities/queue/expiry.js';
import { blockOfExpiryKey } from '../../../../src/broker/store/keys.js';

const NEVER = Number.POSITIVE_INFINITY;

describe('the index of expiry', () => {
  it('is never later than the first expiry of a block, in memory and in the store', () => {
    const steps = fc.array(
      fc.record({
        gap: fc.integer({ min: 0, max: EXPIRY_BLOCK }),
        ttlMs: fc.constantFrom(5, 50, 500, NEVER),
        look: fc.boolean(),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (sequence) => {
        const expiry = createExpiry(1);
        const store = new Map<number, number>();
        let living: { sequence: number; expiresAtMs: number }[] = [];
        let number = 1;
        let nowMs = 0;
        for (const { gap, ttlMs, look } of sequence) {
          number += gap + 1;
          nowMs += 3;
          expiry.note(number, nowMs + ttlMs);
          if (ttlMs < NEVER) living.push({ sequence: number, expiresAtMs: nowMs + ttlMs });
          const block = look ? expiry.due(nowMs)?.number : undefined;
          if (block !== undefined) {
            living = living.filter((one) => blockOf(one.sequence) !== block || one.expiresAtMs > nowMs);
            const rest = living.filter((one) => blockOf(one.sequence) === block);
            const earliestMs = Math.min(NEVER, ...rest.map(({ expiresAtMs }) => expiresAtMs));
            expiry.looked(block, earliestMs, earliestMs);
          }
          for (const { key, value } of expiry.takeWrites()) {
            if (value === undefined) store.delete(blockOfExpiryKey(key));
            else store.set(blockOfExpiryKey(key), value.readDoubleBE(0));
          }
          const expected = Math.min(NEVER, ...living.map(({ expiresAtMs }) => expiresAtMs));
          expect(expiry.nextMs()).toBe(expected);
          const loaded = createExpiry(1);
          for (const [stored, earliestMs] of store) loaded.load(stored, earliestMs);
          expect(loaded.nextMs()).toBe(expected);
        }
      }),
    );
  });

  it('writes once for many messages that live equally long, and forgets blocks that are gone', () => {
    const expiry = createExpiry(1);
    let writes = 0;
    for (let sequence = 1; sequence <= 10 * EXPIRY_BLOCK; sequence++) {
      expiry.note(sequence, 1000 + sequence);
      writes += expiry.takeWrites().length;
    }
    expect(writes).toBe(11);
    expiry.forgetBelow(8 * EXPIRY_BLOCK + 1);
    expect(expiry.takeWrites().map(({ value }) => value)).toEqual(Array.from({ length: 8 }, () => undefined));
  });
});
