import type { Storage } from './storage.js';

/** 13 months, the longest that data protection authorities allow an audience measurement id to live; not renewed. */
export const VISITOR_LIFETIME_MS = 395 * 24 * 3_600_000;
/** Half an hour without an event ends a session. */
export const SESSION_IDLE_MS = 30 * 60_000;

const VISITOR_KEY = '_penstock_visitor';
const SESSION_KEY = '_penstock_session';
const USER_KEY = '_penstock_user';

interface Identity {
  readonly anonymousId: string;
  readonly sessionId: string;
  readonly userId?: string;
}

export interface IdentityKeeper {
  /** Who is here now. Each call counts as activity, which keeps the session open. */
  current(): Identity;
  /** Remembers a known user until `identify(null)`. */
  identify(userId: string | null): void;
}

export interface IdentityDeps {
  readonly storage: Storage;
  readonly now: () => number;
  readonly uuid: () => string;
}

/** Stored as "id.milliseconds": for the visitor when the id was made, for the session its last activity. */
export function createIdentity({ storage, now, uuid }: IdentityDeps): IdentityKeeper {
  const recall = (key: string, maxAgeMs: number): readonly [id: string, atMs: number] => {
    const [id, at] = (storage.get(key) ?? '').split('.');
    const ageMs = now() - Number(at);
    // A negative age means that the machine's clock was set back: the value cannot be trusted either.
    return id && ageMs >= 0 && ageMs < maxAgeMs ? [id, Number(at)] : [uuid(), now()];
  };
  return {
    current() {
      const [anonymousId, madeAtMs] = recall(VISITOR_KEY, VISITOR_LIFETIME_MS);
      const [sessionId] = recall(SESSION_KEY, SESSION_IDLE_MS);
      const userId = storage.get(USER_KEY);
      storage.set(VISITOR_KEY, `${anonymousId}.${madeAtMs}`);
      storage.set(SESSION_KEY, `${sessionId}.${now()}`);
      return userId ? { anonymousId, sessionId, userId } : { anonymousId, sessionId };
    },
    identify(userId) {
      storage.set(USER_KEY, userId);
    },
  };
}

/** UUID version 4 (RFC 9562). `crypto.randomUUID` exists on secure origins only, so it is built from random bytes. */
export function createUuid(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): () => string {
  return () => {
    const bytes = random(new Uint8Array(16));
    let at = 0;
    return '........-....-4...-y...-............'.replace(/[.y]/g, (place) => {
      const nibble = (bytes[at >> 1] as number) >> (at++ & 1 ? 4 : 0);
      return (place === 'y' ? (nibble & 3) | 8 : nibble & 15).toString(16);
    });
  };
}
