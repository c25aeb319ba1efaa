import { describe, expect, it, test } from 'vitest';
import { loadConfig, strongestKeyOf } from '../../../src/shared/config/index.js';

const load = (...sources: readonly unknown[]) =>
  loadConfig({ env: { PENSTOCK_SOURCES: JSON.stringify(sources) } }).gateway.sources;
const KEY = 'a-long-write-key';

test('a name and a write key are enough', () => {
  expect(load({ name: 'shop', writeKey: KEY })).toEqual([{ name: 'shop', writeKey: KEY }]);
});

test('all that a source may say is taken as it is', () => {
  const source = {
    name: 'shop',
    keys: [
      { writeKey: 'server-key', kind: 'server', rate: { eventsPerSecond: 0.5, burst: 10 } },
      {
        writeKey: 'browser-key',
        kind: 'browser',
        types: ['click'],
        clientRate: { eventsPerSecond: 20, burst: 200 },
      },
    ],
    origins: ['https://shop.example', 'http://localhost:3000'],
    types: ['click', 'refund'],
    eventsPerDay: 5_000_000,
    bots: 'drop',
    country: true,
    privacy: {
      ip: 'none',
      gpc: 'strip',
      dnt: 'keep',
      consent: { purposes: ['analytics'], denied: 'drop', missing: 'strip' },
      except: ['purchase'],
      visitorId: 'daily',
    },
  };
  expect(load(source)).toEqual([source]);
});

describe('a source that contradicts itself is refused by the name of the field', () => {
  const key = (more: object) => ({ name: 'shop', keys: [{ writeKey: KEY, kind: 'browser', ...more }] });
  const site = (more: object) => ({ name: 'shop', writeKey: KEY, ...more });
  const clientRate = { eventsPerSecond: 1, burst: 1 };
  it.each([
    ['no key at all', { name: 'shop' }, 'gateway.sources.0.writeKey'],
    ['no kind of a key', key({ kind: undefined }), 'gateway.sources.0.keys.0.kind'],
    ['a refund by a browser key', key({ types: ['click', 'refund'] }), 'gateway.sources.0.keys.0.types'],
    ['clients of a server', key({ kind: 'server', clientRate }), 'gateway.sources.0.keys.0.clientRate'],
    ['an origin with a path', site({ origins: ['https://shop.example/'] }), 'gateway.sources.0.origins.0'],
    ['an origin with a wildcard', site({ origins: ['https://*.shop.example'] }), 'gateway.sources.0.origins.0'],
    [
      "an origin with its scheme's port",
      site({ origins: ['https://shop.example:443'] }),
      'gateway.sources.0.origins.0',
    ],
    ['an empty list of origins', site({ origins: [] }), 'gateway.sources.0.origins'],
    ['consent to nothing', site({ privacy: { consent: { purposes: [] } } }), 'gateway.sources.0.privacy.consent'],
    ['a policy that is none', site({ privacy: { gpc: 'obey' } }), 'gateway.sources.0.privacy.gpc'],
    ['an unknown field', site({ privacy: { cookies: true } }), 'gateway.sources.0.privacy'],
  ])('%s', (_title, source, path) => {
    expect(() => load(source)).toThrow(path);
  });
});

test('no two keys are the same, whatever source they belong to', () => {
  const keys = [{ writeKey: KEY, kind: 'server' }];
  expect(() => load({ name: 'a', writeKey: KEY }, { name: 'b', keys })).toThrow('the same writeKey');
  expect(() => load({ name: 'a', writeKey: KEY, keys })).toThrow('the same writeKey');
});

test('what runs on this machine uses the key that may send most', () => {
  const browser = { writeKey: 'browser-key', kind: 'browser' } as const;
  const server = { writeKey: 'server-key', kind: 'server' } as const;
  expect(strongestKeyOf({ writeKey: KEY, keys: [server] })).toBe(KEY);
  expect(strongestKeyOf({ keys: [browser, server] })).toBe('server-key');
  expect(strongestKeyOf({ keys: [browser] })).toBe('browser-key');
});

test('proxies are addresses and networks, and nothing else', () => {
  const trust = (...trustedProxies: readonly string[]) =>
    loadConfig({ env: { PENSTOCK_TRUSTED_PROXIES: JSON.stringify(trustedProxies) } }).gateway.trustedProxies;
  const sound = ['10.0.0.0/8', '192.0.2.1', '2001:db8::/32', '::1'];
  expect(trust(...sound)).toEqual(sound);
  expect(trust()).toEqual([]);
  for (const text of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'proxy.example', '*', '::/129'])
    expect(() => trust(text)).toThrow('gateway.trustedProxies.0');
});
