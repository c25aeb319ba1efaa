import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { createClientReader } from '../../src/gateway/client.js';

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
