import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHeap } from '../../src/simulator/heap.js';

describe('the heap', () => {
  it('gives back what was put in, smallest first, however pushes and pops are mixed', () => {
    const steps = fc.array(fc.option(fc.integer({ min: 0, max: 50 })), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (list) => {
        const heap = createHeap<number>((a, b) => a < b);
        const model: number[] = [];
        for (const step of list) {
          if (step === null) expect(heap.pop()).toBe(model.shift());
          else {
            heap.push(step);
            model.push(step);
            model.sort((a, b) => a - b);
          }
          expect(heap.size).toBe(model.length);
          expect(heap.peek()).toBe(model[0]);
        }
      }),
    );
  });
});
