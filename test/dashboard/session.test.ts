import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namesThisMachine } from '../../src/dashboard/guard.js';
import { endSession, hasSession, issueSession, sameSecret } from '../../src/dashboard/session.js';

const TOKEN = 'a token of some length';
const DAY_MS = 86_400_000;
const cookieOf = (setCookie: string) => setCookie.split(';')[0] as string;

describe('a session', () => {
  it('is good for thirty days', () => {
    const cookie = cookieOf(issueSession(TOKEN, 0, false));
    expect(hasSession(`other=1; ${cookie}`, TOKEN, 30 * DAY_MS - 1)).toBe(true);
    expect(hasSession(cookie, TOKEN, 30 * DAY_MS)).toBe(false);
  });

  it('ends with the token that it was made with', () => {
    expect(hasSession(cookieOf(issueSession(TOKEN, 0, false)), 'another token', 0)).toBe(false);
  });

  it('cannot be prolonged by whoever holds it', () => {
    const [, signature] = cookieOf(issueSession(TOKEN, 0, false)).split('.') as [string, string];
    expect(hasSession(`penstock_session=${90 * DAY_MS}.${signature}`, TOKEN, 0)).toBe(false);
  });

  it('is not made by any made-up cookie', () => {
    expect(hasSession(undefined, TOKEN, 0)).toBe(false);
    expect(hasSession(cookieOf(endSession(false)), TOKEN, 0)).toBe(false);
    fc.assert(fc.property(fc.string(), (text) => !hasSession(`penstock_session=${text}`, TOKEN, 0)));
  });

  it('is kept from scripts and from other sites, and from plain HTTP where there is TLS', () => {
    expect(issueSession(TOKEN, 0, false)).toMatch(/; HttpOnly; SameSite=Strict; Max-Age=2592000$/);
    expect(issueSession(TOKEN, 0, true)).toMatch(/; Secure$/);
  });
});

describe('a secret', () => {
  it('is the same only when it is the same', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => sameSecret(a, b) === (a === b)));
    expect(sameSecret('abc', 'abc')).toBe(true);
  });
});

describe('a Host header', () => {
  it.each([
    'localhost',
    'localhost:8081',
    'LOCALHOST:1',
    'a.localhost',
    '127.0.0.1:8081',
    '127.9.9.9',
    '[::1]:8081',
    '[::1]',
  ])('%s names this machine', (host) => expect(namesThisMachine(host)).toBe(true));

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example:127',
    '[::2]',
    '10.0.0.1',
    'localhost:80:80',
    '127.0.0.1@evil.example',
  ])('%s does not', (host) => expect(namesThisMachine(host)).toBe(false));
});
