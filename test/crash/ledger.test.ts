import { describe, expect, it } from 'vitest';
import { createLedger, createLogLedger, type Place } from './support/ledger.js';

/** The ledger is what finds fault with the broker: it has to find each of these. */
describe('the ledger of a queue', () => {
  const ledgerWith = (...ids: string[]) => {
    const ledger = createLedger('q');
    for (const id of ids) {
      ledger.sending(id);
      ledger.accepted(id);
    }
    return ledger;
  };
  const found = (...entries: [string, Place[]][]) => new Map<string, readonly Place[]>(entries);

  it('finds nothing where every promise was kept', () => {
    const ledger = ledgerWith('a', 'b', 'c');
    ledger.delivered('a', 1, 0);
    ledger.asking('a', 'completed');
    ledger.settled('a', 'completed');
    ledger.delivered('b', 2, 0);
    ledger.asking('b', 'completed');
    ledger.delivered('c', 3, 0);
    ledger.asking('c', 'dead-lettered');
    ledger.settled('c', 'dead-lettered');
    ledger.close(found(['c', ['dead letters']]));
    expect(ledger.violations()).toEqual([]);
  });

  it('finds an accepted message that is nowhere', () => {
    const ledger = ledgerWith('a');
    ledger.close(found());
    expect(ledger.violations()).toEqual(['q: a was accepted and is lost']);
  });

  it('finds a message that comes after it was completed', () => {
    const ledger = ledgerWith('a');
    ledger.settled('a', 'completed');
    ledger.delivered('a', 1, 1);
    ledger.close(found(['a', ['queue']]));
    expect(ledger.violations()).toEqual(['q: a was completed and came again', 'q: a was completed and is in queue']);
  });

  it('finds a message that is there twice, by its numbers and by its places', () => {
    const ledger = ledgerWith('a');
    ledger.delivered('a', 1, 0);
    ledger.delivered('a', 2, 0);
    ledger.close(found(['a', ['queue', 'queue']]));
    expect(ledger.violations()).toEqual(['q: a has the sequence numbers 1 and 2', 'q: a is in queue and queue']);
  });

  it('finds a sequence number that went back', () => {
    const ledger = ledgerWith('a');
    ledger.delivered('a', 9, 0);
    ledger.sending('b');
    ledger.delivered('b', 9, 0);
    expect(ledger.violations()).toEqual(['q: b was sent after number 9 was given and got 9']);
  });

  it('finds a delivery count that forgot a delivery', () => {
    const ledger = ledgerWith('a');
    ledger.abandoned('a');
    ledger.delivered('a', 1, 0);
    expect(ledger.violations()).toEqual(['q: a was abandoned 1 times and says 0']);
  });

  it('finds a message that was taken twice', () => {
    const ledger = ledgerWith('a');
    ledger.taken('a', 1);
    ledger.taken('a', 1);
    expect(ledger.violations()).toEqual(['q: a was taken twice']);
  });

  it('finds a deferred message that comes by itself, and one that cannot be found', () => {
    const ledger = ledgerWith('a', 'b', 'c');
    for (const id of ['a', 'b', 'c']) {
      ledger.asking(id, 'deferred');
      ledger.settled(id, 'deferred');
    }
    expect(ledger.deferred()).toEqual(['a', 'b', 'c']);
    ledger.delivered('a', 1, 1);
    ledger.notFound('b', ledger.isDeferred('b'));
    ledger.delivered('c', 3, 1, 'deferred');
    ledger.close(found(['a', ['deferred']], ['b', ['queue']], ['c', ['deferred']]));
    expect(ledger.violations()).toEqual([
      'q: a was deferred and came again',
      'q: b was deferred and cannot be found',
      'q: b is not deferred',
    ]);
  });

  it('finds dead letters that are missing, and those that nobody made', () => {
    const ledger = ledgerWith('a', 'b');
    ledger.asking('a', 'dead-lettered');
    ledger.settled('a', 'dead-lettered');
    ledger.close(found(['a', ['queue']], ['b', ['dead letters']]));
    expect(ledger.violations()).toEqual(['q: a is not in the dead letters', 'q: b is in the dead letters by itself']);
  });
});

describe('the ledger of a partition', () => {
  it('finds gaps, losses, repetitions and a wrong order', () => {
    const ledger = createLogLedger('0');
    ledger.accepted([1, 2, 3]);
    const events = (...numbers: number[]) => numbers.map((number, sequence) => ({ sequence, number }));
    expect(ledger.violations(events(1, 2, 3))).toEqual([]);
    expect(ledger.violations(events(1, 3))).toEqual(['partition 0: event 2 was accepted and is lost']);
    expect(ledger.violations(events(1, 2, 2, 3))).toEqual(['partition 0: event 2 comes after 2']);
    expect(ledger.violations([{ sequence: 1, number: 1 }, ...events(0, 2, 3).slice(1)])).toEqual([
      'partition 0: number 1 where 0 was expected',
    ]);
  });
});
