import { describe, expect, it } from 'vitest';
import { deliveryTag, lockTokenOf } from '../../../src/broker/amqp/lock-token.js';

describe('a lock token', () => {
  it('travels as a delivery tag in the byte order of .NET', () => {
    expect(deliveryTag('00112233445566778899aabbccddeeff').toString('hex')).toBe('33221100554477668899aabbccddeeff');
  });

  it('comes back in management requests in the order of RFC 4122', () => {
    expect(lockTokenOf(Buffer.from('00112233445566778899aabbccddeeff', 'hex'))).toBe(
      '00112233445566778899aabbccddeeff',
    );
  });
});
