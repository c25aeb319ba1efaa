import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/broker/errors.js';
import { parseCoordinatorRequest } from '../../../src/broker/message/index.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a message to the coordinator of transactions', () => {
  it.each([
    ['a declare', '00 53 77  00 53 31 45', { kind: 'declare' }],
    ['a declare with an empty field', '00 53 77  00 80 0000000000000031 c0 02 01 40', { kind: 'declare' }],
    ['a commit', '00 53 77  00 53 32 c0 06 01 a0 03 010203', { kind: 'discharge', id: '010203', fail: false }],
    ['a commit that says so', '00 53 77  00 53 32 c0 05 02 a0 01 07 42', { kind: 'discharge', id: '07', fail: false }],
    [
      'a rollback',
      '00 53 77  00 53 32 d0 0000000b 00000002 b0 00000001 07 41',
      { kind: 'discharge', id: '07', fail: true },
    ],
  ])('%s is understood', (_name, bytes, expected) => {
    expect(parseCoordinatorRequest(hex(bytes))).toEqual(expected);
  });

  it.each([
    ['a plain value', '00 53 77 a1 01 78'],
    ['a global id', '00 53 77  00 53 31 c0 04 01 a0 01 01'],
    ['a discharge of nothing', '00 53 77  00 53 32 45'],
    ['a discharge by text', '00 53 77  00 53 32 c0 04 01 a1 01 61'],
    ['another description', '00 53 77  00 53 33 45'],
    ['bytes', '00 53 75 a0 01 00'],
  ])('%s is not', (_name, bytes) => {
    expect(parseCoordinatorRequest(hex(bytes))).toBeUndefined();
  });

  it('is malformed or understood, whatever a stranger sends', () => {
    const start = hex('00 53 77  00 53 32');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (tail, whole) => {
        const bytes = Buffer.concat([whole ? Buffer.alloc(0) : start, tail]);
        try {
          parseCoordinatorRequest(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(BrokerError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
