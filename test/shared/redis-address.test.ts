import { expect, test } from 'vitest';
import { parseRedisUrl } from '../../src/shared/redis-address.js';

const nobody = { username: undefined, password: undefined };

test('one server, with and without login, port, database and TLS', () => {
  expect(parseRedisUrl('redis://localhost')).toEqual({ clusterNodes: undefined, ...nobody, tls: false });
  expect(parseRedisUrl('rediss://:p%40ss@cache.example:6380/2')).toEqual({
    ...{ clusterNodes: undefined, username: undefined, password: 'p@ss', tls: true },
  });
  expect(parseRedisUrl('redis://user:word@[::1]:7000')).toMatchObject({ username: 'user', password: 'word' });
});

test('a cluster, of which one node is named or several', () => {
  expect(parseRedisUrl('redis+cluster://127.0.0.1:7000')).toEqual({
    ...{ clusterNodes: [{ host: '127.0.0.1', port: 7000 }], ...nobody, tls: false },
  });
  expect(parseRedisUrl('rediss+cluster://:word@node-1:6380,node-2,[fd00::3]:6381')).toEqual({
    clusterNodes: [
      { host: 'node-1', port: 6380 },
      { host: 'node-2', port: 6379 },
      { host: 'fd00::3', port: 6381 },
    ],
    ...{ username: undefined, password: 'word', tls: true },
  });
});

test.each([
  'localhost:6379',
  'http://localhost',
  'redis://',
  'redis://a,b',
  'redis+cluster://a:7000/3',
  'redis+cluster://a:7000,',
  'redis://a:99999',
  'redis://:%zz@a',
  'redis://a/b',
])('%s is none', (url) => {
  expect(parseRedisUrl(url)).toBeUndefined();
});
