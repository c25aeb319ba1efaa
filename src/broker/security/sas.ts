import { createHmac, timingSafeEqual } from 'node:crypto';
import { type AccessRule, isWithin, type Right, type SasKeys } from './rights.js';

interface SasVerification {
  /** What the token has to cover: the `name` of a put-token request, or the URL of an HTTP request. */
  readonly audience: string;
  readonly keys: SasKeys;
  readonly nowMs: number;
}

export type SasOutcome =
  | { readonly kind: 'ok'; readonly keyName: string; readonly rights: readonly Right[]; readonly expiresAtMs: number }
  | { readonly kind: 'malformed' }
  /** Unknown key name or wrong signature: not told apart, so that key names cannot be probed. */
  | { readonly kind: 'invalid-signature' }
  | { readonly kind: 'expired'; readonly expiresAtMs: number }
  /** The token is good, but for another resource. */
  | { readonly kind: 'wrong-audience' };

const PREFIX = 'SharedAccessSignature ';
const MAX_TOKEN_LENGTH = 4096;

interface Fields {
  /** As it stands in the token, URL-encoded: this text is what was signed. */
  readonly resource: string;
  readonly signature: string;
  readonly expiry: string;
  readonly keyName: string;
}

function parseFields(token: string): Fields | undefined {
  if (token.length > MAX_TOKEN_LENGTH || !token.startsWith(PREFIX)) return undefined;
  const fields = new Map<string, string>();
  for (const pair of token.slice(PREFIX.length).split('&')) {
    const equals = pair.indexOf('=');
    if (equals < 0) return undefined;
    const name = pair.slice(0, equals);
    if (fields.has(name)) return undefined;
    fields.set(name, pair.slice(equals + 1));
  }
  const resource = fields.get('sr'),
    signature = fields.get('sig'),
    expiry = fields.get('se'),
    keyName = fields.get('skn');
  if (!resource || !signature || !keyName || !expiry || !/^\d{1,12}$/.test(expiry)) return undefined;
  return { resource, signature, expiry, keyName };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * A resource URI as it is compared: host and path in lower case, without scheme, port, query and trailing slashes. The
 * same key serves AMQP (`sb://`) and HTTPS on one host, and clients write the port or leave it out.
 */
function normalizedResource(uri: string): string {
  const withoutScheme = uri.toLowerCase().replace(/^[a-z][a-z0-9+.-]{0,15}:\/\//, '');
  const query = withoutScheme.search(/[?#]/);
  const [authority = '', ...path] = (query < 0 ? withoutScheme : withoutScheme.slice(0, query)).split('/');
  return [authority.replace(/:\d+$/, ''), ...path.filter((segment) => segment !== '')].join('/');
}

/** A token for `sb://host/a` covers `a` and all below it, by whole path segments. */
const covers = (resource: string, audience: string) => audience === resource || audience.startsWith(`${resource}/`);

/** The path of a normalized resource, without its host. */
const pathOfResource = (resource: string) => (resource.includes('/') ? resource.slice(resource.indexOf('/') + 1) : '');

function signatureMatches(given: string, expected: Buffer): boolean {
  const bytes = Buffer.from(given, 'base64');
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

/** A key that no rule has, so that an unknown name takes as long as a known one. */
const NO_RULE: AccessRule = { name: '', scope: '', rights: [], keys: [''] };

/** The rule whose key made the signature; a rule of an entity signs for that entity and what is below it only. */
function signer(named: readonly AccessRule[], fields: Fields, resource: string) {
  const candidates = named.filter(({ scope }) => isWithin(pathOfResource(resource), scope));
  let found: AccessRule | undefined;
  for (const rule of candidates.length > 0 ? candidates : [NO_RULE]) {
    for (const key of rule.keys) {
      const expected = createHmac('sha256', key).update(`${fields.resource}\n${fields.expiry}`, 'utf8').digest();
      if (signatureMatches(fields.signature, expected) && rule !== NO_RULE) found ??= rule;
    }
  }
  return found;
}

/**
 * Verifies a shared access signature: base64 of HMAC-SHA256(key, `<sr>\n<se>`), with `se` in Unix seconds. Some clients
 * URL-encode `sig` and `skn` and some do not; both are read. The signature is always checked before the rest, so that a forger
 * learns nothing about expiry and audience.
 */
export function verifySasToken(token: string, { audience, keys, nowMs }: SasVerification): SasOutcome {
  const fields = parseFields(token);
  if (!fields) return { kind: 'malformed' };
  const resource = decoded(fields.resource);
  const signature = decoded(fields.signature);
  const keyName = decoded(fields.keyName);
  if (resource === undefined || signature === undefined || keyName === undefined) return { kind: 'malformed' };

  const rule = signer(keys.named(keyName), { ...fields, signature }, normalizedResource(resource));
  if (rule === undefined) return { kind: 'invalid-signature' };

  const expiresAtMs = Number(fields.expiry) * 1000;
  if (expiresAtMs <= nowMs) return { kind: 'expired', expiresAtMs };
  if (!covers(normalizedResource(resource), normalizedResource(audience))) return { kind: 'wrong-audience' };
  return { kind: 'ok', keyName, rights: rule.rights, expiresAtMs };
}
