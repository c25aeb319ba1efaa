import { allows, type Right, rulesProvedBy, type SasKeys, verifySasToken } from '../security/index.js';
import { pathOf } from './address.js';

type PutTokenOutcome =
  | { readonly kind: 'ok' }
  | { readonly kind: 'refused'; readonly status: number; readonly condition: string; readonly description: string };

/** What the tokens of one connection allow. */
export interface Grants {
  putToken(audience: string, token: string): PutTokenOutcome;
  /** The client has shown a key itself (SASL PLAIN): what the rules of that name and key allow is allowed. */
  allowKey(name: string, key: string): boolean;
  /** Whether some token that is still valid covers the path with this right, or with any. */
  covers(path: string, right?: Right): boolean;
  any(): boolean;
  /** When the next token ends; undefined when none does. */
  nextEndMs(): number | undefined;
}

interface Grant {
  readonly expiresAtMs: number;
  readonly rights: readonly Right[];
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

const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));

export function createGrants(keys: SasKeys, now: () => number): Grants {
  /** By the path that the token was put for. */
  const grants = new Map<string, Grant>();
  /** Of the key itself, by the path of its rule. They do not end. */
  const shown = new Map<string, Grant>();

  function forgetEnded(nowMs: number): void {
    for (const [path, { expiresAtMs }] of grants) if (expiresAtMs <= nowMs) grants.delete(path);
  }

  return {
    putToken(audience, token) {
      const nowMs = now();
      const outcome = verifySasToken(token, { audience, keys, nowMs });
      if (outcome.kind !== 'ok') return refused(REASONS[outcome.kind]);
      const path = pathOf(audience).toLowerCase();
      if (grants.size >= MAX_GRANTS) forgetEnded(nowMs);
      if (!grants.has(path) && grants.size >= MAX_GRANTS) return refused('Too many tokens on this connection.');
      grants.set(path, outcome);
      return { kind: 'ok' };
    },
    allowKey(name, key) {
      const rules = rulesProvedBy(keys, name, key);
      for (const { scope, rights } of rules) shown.set(scope, { rights, expiresAtMs: Number.POSITIVE_INFINITY });
      return rules.length > 0;
    },
    covers(path, right) {
      const nowMs = now();
      // A token for a path covers all below it, by whole segments.
      for (let covered = path.toLowerCase(); ; covered = parentOf(covered)) {
        const grant = grants.get(covered);
        if (grant !== undefined && grant.expiresAtMs > nowMs && allows(grant.rights, right)) return true;
        if (allows(shown.get(covered)?.rights ?? NO_RIGHTS, right)) return true;
        if (covered === '') return false;
      }
    },
    any() {
      if (shown.size > 0) return true;
      for (const { expiresAtMs } of grants.values()) if (expiresAtMs > now()) return true;
      return false;
    },
    nextEndMs() {
      let next: number | undefined;
      const nowMs = now();
      for (const { expiresAtMs } of grants.values()) {
        if (expiresAtMs > nowMs && (next === undefined || expiresAtMs < next)) next = expiresAtMs;
      }
      return next;
    },
  };
}

const NO_RIGHTS: readonly Right[] = [];
