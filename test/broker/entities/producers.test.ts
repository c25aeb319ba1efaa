import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createProducers } from '../../../src/broker/entities/index.js';

const newId = () => 77;
const nobody = { id: undefined, epoch: undefined, sequence: undefined };
const LAST = 2 ** 31 - 1;

/** A table with producer 5 at epoch 3, whose last event was `sequence`. */
function tableWith(sequence: number) {
  const table = createProducers(undefined);
  const attached = table.attach({ id: 5, epoch: 3, sequence }, newId);
  if ('stolenBy' in attached) throw new Error('a new producer was refused');
  return { table, attached };
}

describe('a producer that attaches', () => {
  it('gets an id, an epoch and a sequence number when it has none', () => {
    expect(createProducers(undefined).attach(nobody, newId)).toEqual({ id: 77, epoch: 0, sequence: 0 });
  });

  it('gets the next epoch and its last number when it names only its id', () => {
    const { table, attached } = tableWith(9);
    table.admit(attached, { first: 10, count: 5 });
    expect(table.attach({ ...nobody, id: 5 }, newId)).toEqual({ id: 5, epoch: 4, sequence: 14 });
  });

  it('is refused with an epoch below the one that is known', () => {
    const { table } = tableWith(0);
    expect(table.attach({ id: 5, epoch: 2, sequence: 0 }, newId)).toEqual({ stolenBy: 3 });
  });

  it('goes on from its own count when it comes back with the same epoch', () => {
    const { table, attached } = tableWith(0);
    table.admit(attached, { first: 1, count: 10 });
    // It never heard of the answer.
    expect(table.attach({ id: 5, epoch: 3, sequence: 0 }, newId)).toEqual({ id: 5, epoch: 3, sequence: 0 });
    expect(table.admit(attached, { first: 1, count: 10 })).toEqual({ kind: 'duplicate' });
  });

  it('begins where it says with a higher epoch', () => {
    const { table, attached } = tableWith(40);
    const newer = table.attach({ id: 5, epoch: 4, sequence: 7 }, newId);
    expect(newer).toEqual({ id: 5, epoch: 4, sequence: 7 });
    expect(table.admit({ id: 5, epoch: 4, sequence: 7 }, { first: 8, count: 1 })).toEqual({ kind: 'append', skip: 0 });
    expect(table.admit(attached, { first: 41, count: 1 })).toEqual({ kind: 'stolen', epoch: 4 });
  });
});

describe('numbered events', () => {
  it('are taken in order, dropped when they come again, and refused when one is missing', () => {
    const { table, attached } = tableWith(0);
    expect(table.admit(attached, { first: 1, count: 3 })).toEqual({ kind: 'append', skip: 0 });
    expect(table.admit(attached, { first: 2, count: 2 })).toEqual({ kind: 'duplicate' });
    expect(table.admit(attached, { first: 3, count: 3 })).toEqual({ kind: 'append', skip: 1 });
    expect(table.admit(attached, { first: 7, count: 1 })).toEqual({ kind: 'out-of-order', expected: 6 });
  });

  it('begin again at 0 behind the largest int', () => {
    const { table, attached } = tableWith(LAST - 1);
    expect(table.admit(attached, { first: LAST, count: 2 })).toEqual({ kind: 'append', skip: 0 });
    expect(table.admit(attached, { first: LAST, count: 2 })).toEqual({ kind: 'duplicate' });
    expect(table.admit(attached, { first: 1, count: 1 })).toEqual({ kind: 'append', skip: 0 });
  });

  it('are known again from what was made durable, and only from that', () => {
    const { table, attached } = tableWith(0);
    table.admit(attached, { first: 1, count: 4 });
    const durable = table.encode();
    table.admit(attached, { first: 5, count: 4 });
    expect(createProducers(durable).admit(attached, { first: 5, count: 4 })).toEqual({ kind: 'append', skip: 0 });
    table.restore(durable);
    expect(table.admit(attached, { first: 3, count: 2 })).toEqual({ kind: 'duplicate' });
    expect(table.admit(attached, { first: 5, count: 4 })).toEqual({ kind: 'append', skip: 0 });
  });

  it('of any number of producers take bounded memory', () => {
    const table = createProducers(undefined);
    for (let id = 1; id <= 5000; id++) table.attach({ id, epoch: 0, sequence: 0 }, newId);
    expect(table.encode().length).toBeLessThan(16 * 1024);
  });

  it('are in the log once each and in order, whatever is sent again and whenever the broker restarts', () => {
    const step = fc.record({
      count: fc.integer({ min: 1, max: 5 }),
      /** How often the batch is sent before its sender hears of it. */
      times: fc.integer({ min: 1, max: 3 }),
      restart: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 12, LAST - 20), (steps, start) => {
        let { table, attached } = tableWith(start);
        const log: number[] = [];
        const sent: number[] = [];
        let last = start;
        for (const { count, times, restart } of steps) {
          const numbers = Array.from({ length: count }, (_, index) => (last + 1 + index) % (LAST + 1));
          for (let time = 0; time < times; time++) {
            const admission = table.admit(attached, { first: numbers[0] as number, count });
            if (admission.kind === 'append') log.push(...numbers.slice(admission.skip));
            else expect(admission.kind).toBe('duplicate');
          }
          sent.push(...numbers);
          last = numbers.at(-1) as number;
          if (restart) table = createProducers(table.encode());
        }
        expect(log).toEqual(sent);
      }),
    );
  });
});
