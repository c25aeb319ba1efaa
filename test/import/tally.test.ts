import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTally, type Settled, sumOf } from '../../src/import/tally.js';

const settled: fc.Arbitrary<Settled> = fc.oneof(
  fc.constantFrom<Settled[]>({ kind: 'accepted' }, { kind: 'duplicate' }, { kind: 'unsent' }),
  fc.string({ maxLength: 5 }).map((reason): Settled => ({ kind: 'dropped', reason })),
  fc.record({ kind: fc.constant('rejected' as const), reason: fc.string({ maxLength: 5 }) }),
);

describe('the tally', () => {
  it('the outcomes always add up to the number of lines', () => {
    fc.assert(
      fc.property(fc.array(settled, { maxLength: 500 }), (outcomes) => {
        const tally = createTally();
        outcomes.forEach((outcome, index) => void tally.count(index + 1, outcome));
        const { lines, accepted, duplicate, unsent, dropped, rejected } = tally.current;
        expect(lines).toBe(outcomes.length);
        expect(accepted + duplicate + unsent + sumOf(dropped) + sumOf(rejected)).toBe(lines);
      }),
    );
  });

  it('memory stays bounded however many reasons and rejected lines there are', () => {
    const tally = createTally();
    for (let line = 1; line <= 5000; line++) tally.count(line, { kind: 'rejected', reason: `r${line}`, field: 'f' });
    expect(Object.keys(tally.current.rejected)).toHaveLength(201);
    expect(sumOf(tally.current.rejected)).toBe(5000);
    expect(tally.rejections).toHaveLength(100);
    expect(tally.rejections[0]).toEqual({ line: 1, reason: 'r1', field: 'f' });
  });
});
