import { expect, test } from 'vitest';
import { createAuthenticate } from '../../../src/gateway/pipeline/authenticate.js';
import type { Credentials } from '../../../src/gateway/pipeline/client.js';
import type { Sender } from '../../../src/gateway/pipeline/sender.js';
import { Problem } from '../../../src/gateway/problem.js';

const senderOf = (source: string): Sender => ({
  source,
  origins: undefined,
  rates: undefined,
  takeQuota: undefined,
  contextOf: () => ({}),
  judge: undefined,
});

function createRig() {
  const authenticate = createAuthenticate(new Map(['shop', 'blog'].map((name) => [`key of ${name}`, senderOf(name)])));
  const connection = {};
  /** The source, or the code of the problem, of a request of one connection. */
  return (shown: Partial<Credentials>): string => {
    const found = authenticate({
      authorization: undefined,
      writeKeyHeader: undefined,
      writeKeyQuery: undefined,
      connection,
      ...shown,
    });
    return found instanceof Problem ? found.code : found.source;
  };
}

test('a connection that shows another key, or the same in another place, is who that key says', () => {
  const who = createRig();
  for (let time = 0; time < 2; time++) {
    expect(who({ writeKeyHeader: 'key of shop' })).toBe('shop');
    expect(who({ writeKeyHeader: 'key of blog' })).toBe('blog');
    expect(who({ writeKeyQuery: 'key of shop' })).toBe('shop');
    expect(who({ writeKeyQuery: 'key of shop', writeKeyHeader: 'key of blog' })).toBe('blog');
    expect(who({ writeKeyQuery: 'key of blog', authorization: `Basic ${btoa('key of shop:')}` })).toBe('shop');
  }
});

test('a connection whose key was good is a stranger without it, and with another that nobody has', () => {
  const who = createRig();
  expect(who({ writeKeyHeader: 'key of shop' })).toBe('shop');
  expect(who({})).toBe('PS_WRITE_KEY_MISSING');
  expect(who({ writeKeyHeader: 'key of nobody' })).toBe('PS_WRITE_KEY_UNKNOWN');
  expect(who({ writeKeyHeader: 'key of shop', writeKeyQuery: 'x'.repeat(100_000) })).toBe('shop');
});
