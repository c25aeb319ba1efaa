import rhea from 'rhea';
import { describe, expect, it } from 'vitest';
import { parsePosition } from '../../../src/broker/amqp/positions.js';

const selector = (expression: string) =>
  parsePosition({ 'apache.org:selector-filter:string': rhea.types.wrap_described(expression, 0x468c00000004) });

describe('the position of a receiver', () => {
  it('is the oldest event when nothing is asked for', () => {
    expect(parsePosition(undefined)).toEqual({ kind: 'earliest' });
    expect(parsePosition({})).toEqual({ kind: 'earliest' });
  });

  it.each([
    ["amqp.annotation.x-opt-offset > '-1'", { kind: 'earliest' }],
    ["amqp.annotation.x-opt-offset > '@latest'", { kind: 'latest' }],
    ["amqp.annotation.x-opt-offset > '7'", { kind: 'sequence', sequence: 7, inclusive: false, byOffset: true }],
    ["amqp.annotation.x-opt-sequence-number >= '7'", { kind: 'sequence', sequence: 7, inclusive: true }],
    [
      "amqp.annotation.x-opt-enqueued-time > '1700000000000'",
      { kind: 'enqueued-time', timeMs: 1.7e12, inclusive: false },
    ],
  ])('is read from %s', (expression, position) => {
    expect(selector(expression)).toEqual(position);
  });

  it.each(["amqp.annotation.x-opt-offset > 'x'", "amqp.annotation.other > '1'", 'nonsense', "x'; --"])(
    'is refused when it is %s',
    (expression) => {
      expect(selector(expression)).toBeUndefined();
    },
  );
});
