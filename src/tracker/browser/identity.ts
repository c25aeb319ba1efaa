import { fieldsOf, type Storage } from './storage.js';

/** 13 months, the longest that data protection authorities allow an audience measurement id to live; not renewed. */
export const VISITOR_LIFETIME_MS = 395 * 24 * 3_600_000;
/** Half an hour without an event ends a session. */
export const SESSION_IDLE_MS = 30 * 60_000;
/** Removing it makes the next to come another visitor. */
export const IDENTITY_KEY = '_penstock';

export interface Identity {
  readonly anonymousId: string;
  readonly sessionId: string;
  readonly userId?: string | undefined;
}

/**
 * Who is here now. Each call counts as activity, which keeps the session open. A user who is named is remembered until
 * another is, or `''`. Stored are the visitor's id and when it was made, the session's id and its last activity, and the
 * user.
 */
export function identify(store: Storage, named?: string): Identity {
  const nowMs = Date.now();
  // Far ahead is as bad as long ago: the machine's clock was set back. So is what is no time at all.
  const isNear = (at: unknown, maxMs: number) => Math.abs(nowMs - (at as number)) < maxMs;
  let { v, m, s, a, u }: Partial<Record<string, string | number>> = fieldsOf(store.read(IDENTITY_KEY));
  if (!v || !isNear(m, VISITOR_LIFETIME_MS)) {
    v = newId();
    m = nowMs;
  }
  if (!s || !isNear(a, SESSION_IDLE_MS)) s = newId();
  u = named ?? u ?? '';
  store.write(
    IDENTITY_KEY,
    `${new URLSearchParams({ v, m, s, a: nowMs, u } as Record<string, unknown> as Record<string, string>)}`,
    (m as number) - nowMs + VISITOR_LIFETIME_MS,
  );
  return { anonymousId: v as string, sessionId: s as string, userId: (u as string) || undefined };
}

/** 128 random bits. `crypto.randomUUID` exists on secure origins only. */
export const newId = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-');
