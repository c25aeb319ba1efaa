import { expect, it } from 'vitest';
import { createArrivals } from './arrivals.js';

const arrivalsOf = (...ids: string[]) => {
  const arrivals = createArrivals();
  for (const id of ids) arrivals.add(id);
  return arrivals;
};

it('finds nothing where every event came, in order, some of them again', () => {
  const arrivals = arrivalsOf('a.0', 'b.0', 'a.1', 'a.0', 'a.1', 'a.2');
  arrivals.close(
    new Map([
      ['a', 3],
      ['b', 1],
    ]),
  );
  expect(arrivals.violations()).toEqual([]);
  expect(arrivals.figures()).toEqual({ arrived: 4, repeated: 2 });
});

it('finds an event that is missing, in the middle and at the end, and a visitor who is', () => {
  const arrivals = arrivalsOf('a.0', 'a.2');
  arrivals.close(
    new Map([
      ['a', 4],
      ['b', 1],
    ]),
  );
  expect(arrivals.violations()).toEqual([
    'a.2 comes before a.1',
    'a.3 was accepted and is lost, or a later one',
    'b.0 was accepted and is lost, or a later one',
  ]);
});

it('finds an order that was turned round', () => {
  expect(arrivalsOf('a.1', 'a.0').violations()).toEqual(['a.1 comes before a.0']);
});
