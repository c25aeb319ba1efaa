import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A screen on a wall should not ask for the token every morning. */
const SESSION_LIFETIME_MS = 30 * 24 * 3_600_000;
const COOKIE = 'penstock_session';

/** Compares secrets in a time that says nothing about where they differ, nor about their lengths. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/**
 * A browser that has shown the token holds a cookie "expiry.signature" instead. The key of the signature is the token
 * itself: nothing needs to be kept, sessions survive a restart, and a new token ends them all.
 */
export function issueSession(token: string, nowMs: number, secure: boolean): string {
  const expiresMs = nowMs + SESSION_LIFETIME_MS;
  return cookie(`${expiresMs}.${sign(token, expiresMs)}`, SESSION_LIFETIME_MS / 1000, secure);
}

export function endSession(secure: boolean): string {
  return cookie('', 0, secure);
}

/** Whether the `Cookie` header of a request holds a session that is signed with `token` and has not run out. */
export function hasSession(cookieHeader: string | undefined, token: string, nowMs: number): boolean {
  for (const part of (cookieHeader ?? '').split(';')) {
    const [name, value = ''] = part.trim().split('=');
    if (name !== COOKIE) continue;
    const [expires = '', signature = ''] = value.split('.');
    const expiresMs = Number(expires);
    if (expiresMs > nowMs && sameSecret(signature, sign(token, expiresMs))) return true;
  }
  return false;
}

function sign(token: string, expiresMs: number): string {
  return createHmac('sha256', token).update(`penstock admin session until ${expiresMs}`).digest('base64url');
}

function cookie(value: string, maxAgeSeconds: number, secure: boolean): string {
  return `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure ? '; Secure' : ''}`;
}
