import type { Position } from '../namespace/index.js';

export const SELECTOR = 'apache.org:selector-filter:string';
const EXPRESSION = /^amqp\.annotation\.(x-opt-offset|x-opt-sequence-number|x-opt-enqueued-time) (>=?) '([^']{1,64})'$/;

/** Where a receiver wants to begin, from the filter of its source: by default at the oldest event. Undefined when it cannot be read. */
export function parsePosition(filter: Readonly<Record<string, unknown>> | undefined): Position | undefined {
  const selector = filter?.[SELECTOR];
  if (selector === undefined || selector === null) return { kind: 'earliest' };
  const expression = String((selector as { value?: unknown }).value ?? selector);
  const [, annotation, operator, value = ''] = EXPRESSION.exec(expression.trim()) ?? [];
  const inclusive = operator === '>=';
  if (annotation === 'x-opt-offset' && value === '-1') return { kind: 'earliest' };
  if (annotation === 'x-opt-offset' && value === '@latest') return { kind: 'latest' };
  const number = Number(value);
  if (annotation === undefined || !Number.isSafeInteger(number)) return undefined;
  // Offsets are sequence numbers in text.
  if (annotation === 'x-opt-enqueued-time') return { kind: 'enqueued-time', timeMs: number, inclusive };
  return { kind: 'sequence', sequence: number, inclusive, ...(annotation === 'x-opt-offset' && { byOffset: true }) };
}
