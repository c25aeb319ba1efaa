import { describe, expect, it } from 'vitest';
import { createCookies } from '../../../src/tracker/browser/cookies.js';
import { createStorage, type Entry, fieldsOf } from '../../../src/tracker/browser/storage.js';
import { createWebStorage } from './web-storage.js';

const denied = () => {
  throw new Error('SecurityError');
};

const keysOf = (entries: readonly Entry[]) => entries.map(([key]) => key);

describe('a storage', () => {
  it('outlives the page', () => {
    const web = createWebStorage();
    createStorage(() => web).write('a/1', 'x');
    const next = createStorage(() => web);
    expect([next.read('a/1'), next.list('a/')]).toEqual(['x', [['a/1', 'x']]]);
    next.write('a/1');
    expect([next.read('a/1') ?? null, Object.keys(web)]).toEqual([null, []]);
  });

  it.each([
    ['denied', denied],
    ['not wanted', () => false as const],
  ])('that is %s lives as long as the page', (_, open) => {
    const storage = createStorage(open);
    expect([storage.read('a'), storage.list('')]).toEqual([undefined, []]);
    storage.write('b', '2');
    storage.write('a', '1');
    expect([storage.read('a'), keysOf(storage.list(''))]).toEqual(['1', ['a', 'b']]);
    storage.write('a');
    expect([storage.read('a'), keysOf(storage.list(''))]).toEqual([undefined, ['b']]);
  });

  it('is not read where the site itself keeps something, which may be megabytes', () => {
    const web = createWebStorage();
    Object.defineProperty(web, 'cart', { enumerable: true, get: denied });
    const storage = createStorage(() => web);
    storage.write('a/1', 'x');
    expect(storage.list('a/')).toEqual([['a/1', 'x']]);
  });

  it('that is full goes on in memory, and both are read as one', () => {
    const web = createWebStorage(1);
    const storage = createStorage(() => web);
    for (const key of ['k2', 'k3', 'k1']) storage.write(key, key);
    expect(Object.keys(web)).toEqual(['k2']);
    expect(storage.list('k')).toEqual(['k1', 'k2', 'k3'].map((key) => [key, key]));
    storage.write('k2');
    storage.write('k1', 'again');
    expect([web['k1'], keysOf(storage.list('k'))]).toEqual(['again', ['k1', 'k3']]);
  });

  it('lists the keys with the prefix only', () => {
    const storage = createStorage(() => createWebStorage());
    expect(storage.list('x')).toEqual([]);
    const web = createWebStorage();
    for (const key of ['ab', 'a', 'b']) web.setItem(key, '1');
    expect(keysOf(createStorage(() => web).list('a'))).toEqual(['a', 'ab']);
  });
});

/** Cookies as a page sees them; it is told what was written. */
function createPage(isBlocked = false) {
  const jar = new Map<string, string>();
  const written: string[] = [];
  return {
    written,
    get cookie() {
      return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    },
    set cookie(text: string) {
      written.push(text);
      const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(text) ?? [];
      if (isBlocked) return;
      if (text.includes('max-age=0;')) jar.delete(name);
      else jar.set(name, value);
    },
  };
}

describe('cookies', () => {
  it('are first-party, for every path, and expire when they are told to', () => {
    const page = createPage();
    const storage = createStorage(() => createCookies(page, ';domain=shop.example;secure'));
    storage.write('_penstock', 'v=1', 60_400);
    expect(page.written).toEqual(['_penstock=v=1;max-age=60;path=/;samesite=lax;domain=shop.example;secure']);
    expect(storage.read('_penstock')).toBe('v=1');
    storage.write('_penstock');
    expect([storage.read('_penstock'), page.cookie]).toEqual([undefined, '']);
  });

  it('are told from others whose names end or begin alike', () => {
    const page = createPage();
    for (const name of ['x_penstock', '_penstock_consent', '_penstock']) page.cookie = `${name}=${name};max-age=9;`;
    const storage = createStorage(() => createCookies(page, ''));
    expect(storage.read('_penstock')).toBe('_penstock');
    page.cookie = '_penstock=;max-age=0;';
    expect(storage.read('_penstock')).toBeUndefined();
  });

  it('that the browser does not take live as long as the page', () => {
    const page = createPage(true);
    const storage = createStorage(() => createCookies(page, ''));
    storage.write('_penstock', 'v=1', 1_000);
    expect([storage.read('_penstock'), page.cookie]).toEqual(['v=1', '']);
  });
});

describe('fields', () => {
  it('are read from whatever is there', () => {
    expect([null, '', '%', '{"a":1}', '&&=&'].map((text) => fieldsOf(text)['v'])).toEqual(Array(5).fill(undefined));
    expect(fieldsOf('v=1&u=a%3Bb')).toEqual({ v: '1', u: 'a;b' });
  });
});
