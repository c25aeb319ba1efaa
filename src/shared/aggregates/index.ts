import type { Aggregate } from './aggregate.js';
import { distinct } from './distinct.js';
import { first, last } from './ends.js';
import { count, max, mean, min, sum } from './numbers.js';
import { quantiles } from './quantiles.js';
import { top } from './top.js';

export type { Aggregate, AggregateResult } from './aggregate.js';
export { type Distinct, distinct, distinctOf, hashOf } from './distinct.js';
export { top } from './top.js';

/** Every aggregate, by the name that definitions and the catalogue in Redis call it. */
const byName = { count, sum, min, max, mean, distinct, top, quantiles, first, last } as const;

export type AggregateName = keyof typeof byName;

export const aggregateNames = Object.keys(byName) as [AggregateName, ...AggregateName[]];

/** The aggregate with its types forgotten: whoever holds a state got it from the same one. */
export const aggregateOf = (name: AggregateName): Aggregate => byName[name] as unknown as Aggregate;

/** What an aggregate takes: a finite number, or a text (of which `first` and `last` keep it as it is, number or text). */
export const takesText = (name: AggregateName): boolean => textAggregates.has(name);
const textAggregates: ReadonlySet<AggregateName> = new Set(['distinct', 'top', 'first', 'last']);

/** When an input was matters. */
export const looksAtTime = (name: AggregateName): boolean => name === 'first' || name === 'last';
