import { createHash, timingSafeEqual } from 'node:crypto';
import { type SasKeys, verifySasToken } from '../security/index.js';
import { pathOf } from './address.js';

type PutTokenOutcome =
  | { readonly kind: 'ok' }
  | { readonly kind: 'refused'; readonly status: number; readonly condition: string; readonly description: string };

/** What the tokens of one connection allow. */
export interface Grants {
  putToken(audience: string, token: string): PutTokenOutcome;
  /** The user has shown the key itself (SASL PLAIN): everything is allowed. */
  allowAll(): void;
  /** Whether some token that is still valid covers the path. */
  covers(path: string): boolean;
  any(): boolean;
}

/** Most different audiences on one connection. */
const MAX_GRANTS = 4096;

const refused = (description: string): PutTokenOutcome => ({
  kind: 'refused',
  status: 401,
  condition: 'amqp:unauthorized-access',
  description,
});

const REASONS = {
  malformed: 'MalformedToken: The token is not a shared access signature.',
  'invalid-signature': 'InvalidSignature: The token has an invalid signature.',
  expired: 'ExpiredToken: The token is expired.',
  'wrong-audience': 'InvalidAudience: The token is for another resource.',
} as const;

export function createGrants(keys: SasKeys, now: () => number): Grants {
  /** End of validity by the path that the token was put for. */
  const grants = new Map<string, number>();
  let all = false;
  return {
    putToken(audience, token) {
      const outcome = verifySasToken(token, { audience, keys, nowMs: now() });
      if (outcome.kind !== 'ok') return refused(REASONS[outcome.kind]);
      const path = pathOf(audience).toLowerCase();
      if (!grants.has(path) && grants.size >= MAX_GRANTS) return refused('Too many tokens on this connection.');
      grants.set(path, outcome.expiresAtMs);
      return { kind: 'ok' };
    },
    allowAll() {
      all = true;
    },
    covers(path) {
      if (all) return true;
      const nowMs = now();
      // A token for a path covers all below it, by whole segments.
      for (let covered = path.toLowerCase(); ; covered = covered.slice(0, Math.max(0, covered.lastIndexOf('/')))) {
        const expiresAtMs = grants.get(covered);
        if (expiresAtMs !== undefined && expiresAtMs > nowMs) return true;
        if (covered === '') return false;
      }
    },
    any() {
      if (all) return true;
      for (const expiresAtMs of grants.values()) if (expiresAtMs > now()) return true;
      return false;
    },
  };
}

const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();

/** Whether name and key of SASL PLAIN are those of an access key. */
export function keyMatches(keys: SasKeys, name: string | null, key: string | null): boolean {
  const expected = keys.get(name ?? '');
  // Compared also when there is no such name, so that names cannot be told by time.
  const same = timingSafeEqual(digest(key ?? ''), digest(expected ?? ''));
  return same && expected !== undefined;
}
