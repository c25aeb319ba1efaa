import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createIdentity,
  createUuid,
  SESSION_IDLE_MS,
  VISITOR_LIFETIME_MS,
} from '../../../src/tracker/browser/identity.js';
import { createStorage } from '../../../src/tracker/browser/storage.js';

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function browser(values = new Map<string, string>()) {
  let nowMs = Date.UTC(2026, 0, 1);
  let made = 0;
  const local = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
  const load = () =>
    createIdentity({ storage: createStorage(() => local), now: () => nowMs, uuid: () => `id-${++made}` });
  return {
    values,
    load,
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

describe('who is here', () => {
  it('a visitor and a session live on through page loads', () => {
    const { load } = browser();
    const first = load().current();
    expect(load().current()).toEqual(first);
  });

  it('half an hour without an event ends the session, and each event before that keeps it open', () => {
    const { load, pass } = browser();
    const identity = load();
    const first = identity.current();
    for (let event = 0; event < 5; event++) {
      pass(SESSION_IDLE_MS - 1);
      expect(identity.current().sessionId).toBe(first.sessionId);
    }
    pass(SESSION_IDLE_MS);
    const next = identity.current();
    expect(next.sessionId).not.toBe(first.sessionId);
    expect(next.anonymousId).toBe(first.anonymousId);
  });

  it('a visitor id ends 13 months after it was made, however often the visitor came', () => {
    const { load, pass } = browser();
    const first = load().current().anonymousId;
    for (let month = 0; month < 12; month++) {
      pass(VISITOR_LIFETIME_MS / 13);
      expect(load().current().anonymousId).toBe(first);
    }
    pass(VISITOR_LIFETIME_MS / 13 + 1);
    expect(load().current().anonymousId).not.toBe(first);
  });

  it('a known user is named until forgotten', () => {
    const { load } = browser();
    load().identify('user-1');
    expect(load().current().userId).toBe('user-1');
    load().identify(null);
    expect(load().current()).not.toHaveProperty('userId');
  });

  it('values that somebody else wrote there make a new visitor, not a broken one', () => {
    const { load, values } = browser();
    for (const garbage of ['', '.', 'x', 'x.', '.5', 'x.NaN', 'x.99999999999999', '{"a":1}']) {
      values.set('_penstock_visitor', garbage);
      expect(load().current().anonymousId).toMatch(/^id-\d+$/);
    }
  });
});

describe('storage', () => {
  const denied = () =>
    createStorage(() => {
      throw new Error('denied');
    });

  it('lives as long as the page where the browser denies it', () => {
    const storage = denied();
    expect(storage.get('a')).toBeNull();
    storage.set('a', '1');
    expect(storage.get('a')).toBe('1');
    storage.set('a', null);
    expect(storage.get('a')).toBeNull();
  });

  it('keeps one visitor for the page when storage is denied', () => {
    let made = 0;
    const identity = createIdentity({ storage: denied(), now: () => 1, uuid: () => `id-${++made}` });
    expect(identity.current()).toEqual(identity.current());
  });
});

describe('an id', () => {
  it('is a UUID of version 4 for any random bytes, and tells them apart', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(createUuid(() => bytes)()).toMatch(UUID_V4);
      }),
    );
    const uuid = createUuid((bytes) => crypto.getRandomValues(bytes));
    expect(new Set(Array.from({ length: 1000 }, uuid)).size).toBe(1000);
  });

  it('holds 122 random bits: all but the six that mark version and variant', () => {
    const changed = Array.from({ length: 128 }, (_, bit) => {
      const bytes = new Uint8Array(16);
      bytes[bit >> 3] = 1 << (bit & 7);
      return createUuid(() => bytes)();
    }).filter((id) => id !== '00000000-0000-4000-8000-000000000000');
    expect(changed).toHaveLength(122);
    expect(new Set(changed).size).toBe(122);
  });
});
