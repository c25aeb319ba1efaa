import { expect, it } from 'vitest';
import { isLoopbackAddress } from '../../src/shared/loopback.js';

it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('%s is this machine', (address) => {
  expect(isLoopbackAddress(address)).toBe(true);
});

it.each([undefined, '', '128.0.0.1', '127.example.com', '127.0.0.1.example', '::ffff:10.0.0.1', '::2'])(
  '%s is not',
  (address) => {
    expect(isLoopbackAddress(address)).toBe(false);
  },
);
