import { compileFilter, FilterError } from '../../../src/broker/filters/index.js';
import type { FilterValue } from '../../../src/broker/topology/types.js';
import { message } from './message.js';

const now = new Date('2026-11-21T12:00:00Z');

/** A message with a property of every kind. */
export const subject = message(
  { s: 'text', i: 5n, d: 2.5, t: true, f: false, n: null, at: now, 'odd name': 1n, 'a]b"c': 2n, select: 3n },
  { MessageId: 'm-1', Subject: 'greeting', DeliveryCount: 0n, EnqueuedTimeUtc: now },
);

export const sql = (expression: string, parameters?: Record<string, FilterValue>) =>
  compileFilter({ kind: 'sql', expression, ...(parameters ? { parameters } : {}) });
export const holds = (expression: string, parameters?: Record<string, FilterValue>) =>
  sql(expression, parameters)(subject);

/** What a wrong filter is refused with. */
export function errorOf(expression: string): FilterError {
  try {
    sql(expression);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new Error(`${expression} is a filter`);
}
