import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { comesFromThisMachine, createClientReader } from '../../src/gateway/client.js';

test('one connection may carry several clients: what is remembered of it is never that of another', () => {
  const readClient = createClientReader({
    deviceOf: (userAgent) => (userAgent === 'a phone' ? 'mobile' : 'desktop'),
    trustedProxies: ['127.0.0.1'],
  });
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: '127.0.0.1' });
  const read = (headers: Record<string, string>) => {
    const message = new IncomingMessage(socket);
    Object.assign(message.headers, headers);
    const { address, userAgent, context } = readClient(message, {});
    return [address, userAgent, context.ip, context.device];
  };
  for (let time = 0; time < 2; time++) {
    expect(read({ 'user-agent': 'a phone' })).toEqual(['127.0.0.1', 'a phone', '127.0.0.0', 'mobile']);
    expect(read({ 'user-agent': 'a laptop' })).toEqual(['127.0.0.1', 'a laptop', '127.0.0.0', 'desktop']);
    expect(read({})).toEqual(['127.0.0.1', undefined, '127.0.0.0', undefined]);
    const forwarded = { 'user-agent': 'a laptop', 'x-forwarded-for': '203.0.113.9' };
    expect(read(forwarded)).toEqual(['203.0.113.9', 'a laptop', '203.0.113.0', 'desktop']);
  }
});

test.each([
  ['127.0.0.1', '127.0.0.1', true],
  ['::ffff:127.0.0.1', '::ffff:127.0.0.1', true],
  ['::1', '::1', true],
  ['10.0.0.5', '10.0.0.5', true],
  ['2001:db8::5', '2001:db8::5', true],
  ['10.0.0.6', '10.0.0.5', false],
  [undefined, undefined, false],
])('who connects from %s to %s is on this machine: %s', (remoteAddress, localAddress, expected) => {
  const socket = Object.defineProperties(new Socket(), {
    remoteAddress: { value: remoteAddress },
    localAddress: { value: localAddress },
  });
  expect(comesFromThisMachine({ socket, headers: {} })).toBe(expected);
  expect(comesFromThisMachine({ socket, headers: { 'x-forwarded-for': '1.2.3.4' } })).toBe(false);
});
