import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { identify, newId, SESSION_IDLE_MS, VISITOR_LIFETIME_MS } from '../../../src/tracker/browser/identity.js';
import { createStorage } from '../../../src/tracker/browser/storage.js';
import { createWebStorage } from './web-storage.js';

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 1), toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** Each call is a page of its own in one browser. */
function browser() {
  const web = createWebStorage();
  return {
    web,
    visit: (named?: string) =>
      identify(
        createStorage(() => web),
        named,
      ),
  };
}

describe('who is here', () => {
  it('a visitor and a session live on through page loads', () => {
    const { visit } = browser();
    expect(visit()).toEqual(visit());
    expect(visit()).not.toEqual(browser().visit());
  });

  it('half an hour without an event ends the session, and each event before that keeps it open', () => {
    const { visit } = browser();
    const first = visit();
    for (let event = 0; event < 5; event++) {
      pass(SESSION_IDLE_MS - 1);
      expect(visit().sessionId).toBe(first.sessionId);
    }
    pass(SESSION_IDLE_MS);
    const next = visit();
    expect(next.sessionId).not.toBe(first.sessionId);
    expect(next.anonymousId).toBe(first.anonymousId);
  });

  it('a visitor id ends 13 months after it was made, however often the visitor came', () => {
    const { visit } = browser();
    const first = visit().anonymousId;
    for (let month = 0; month < 12; month++) {
      pass(VISITOR_LIFETIME_MS / 13);
      expect(visit().anonymousId).toBe(first);
    }
    pass(VISITOR_LIFETIME_MS / 13 + 13);
    expect(visit().anonymousId).not.toBe(first);
  });

  it('a cookie of it lives as long as the id has left', () => {
    const lifetimes: unknown[] = [];
    const web = createWebStorage();
    const storage = createStorage(() => ({
      getItem: web.getItem,
      removeItem: web.removeItem,
      setItem(key, value, maxAgeMs) {
        lifetimes.push(maxAgeMs);
        web.setItem(key, value);
      },
    }));
    identify(storage);
    pass(1_000);
    identify(storage);
    expect(lifetimes).toEqual([VISITOR_LIFETIME_MS, VISITOR_LIFETIME_MS - 1_000]);
  });

  it('a clock that was set back by more than an id lives makes another', () => {
    const { visit } = browser();
    const first = visit();
    pass(-SESSION_IDLE_MS);
    const second = visit();
    expect([second.anonymousId, second.sessionId === first.sessionId]).toEqual([first.anonymousId, false]);
    pass(-VISITOR_LIFETIME_MS);
    expect(visit().anonymousId).not.toBe(first.anonymousId);
  });

  it('a known user is named until forgotten, whatever the name is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (name) => {
        const { visit } = browser();
        visit(name);
        expect(visit().userId).toBe(name);
        expect(visit('').userId).toBeUndefined();
        expect(visit().userId).toBeUndefined();
      }),
    );
  });

  it('values that somebody else wrote there make a new visitor, not a broken one', () => {
    for (const garbage of ['', '.', 'x', 'v=x', 'v=&m=5', 'v=x&m=NaN', 'v=x&m=99999999999999', '{"a":1}', '%']) {
      const { visit, web } = browser();
      web.setItem('_penstock', garbage);
      const { anonymousId } = visit();
      expect(anonymousId).toMatch(/^\d+-\d+-\d+-\d+$/);
      expect(visit().anonymousId).toBe(anonymousId);
    }
  });

  it('is one visitor for the page where nothing can be stored', () => {
    const storage = createStorage(() => false);
    expect(identify(storage)).toEqual(identify(storage));
  });
});

describe('an id', () => {
  it('is another each time', () => {
    expect(new Set(Array.from({ length: 1_000 }, newId)).size).toBe(1_000);
  });
});
