import { createHmac, timingSafeEqual } from 'node:crypto';

/** Shared access keys by key name. The key is the text of the connection string; its UTF-8 bytes key the HMAC. */
export type SasKeys = ReadonlyMap<string, string>;

interface SasVerification {
  /** What the token has to cover: the `name` of a put-token request, or the URL of an HTTP request. */
  readonly audience: string;
  readonly keys: SasKeys;
  readonly nowMs: number;
}

export type SasOutcome =
  | { readonly kind: 'ok'; readonly keyName: string; readonly expiresAtMs: number }
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

function signatureMatches(given: string, expected: Buffer): boolean {
  const bytes = Buffer.from(given, 'base64');
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
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

  const key = keys.get(keyName);
  const expected = createHmac('sha256', key ?? '')
    .update(`${fields.resource}\n${fields.expiry}`, 'utf8')
    .digest();
  if (!signatureMatches(signature, expected) || key === undefined) return { kind: 'invalid-signature' };

  const expiresAtMs = Number(fields.expiry) * 1000;
  if (expiresAtMs <= nowMs) return { kind: 'expired', expiresAtMs };
  if (!covers(normalizedResource(resource), normalizedResource(audience))) return { kind: 'wrong-audience' };
  return { kind: 'ok', keyName, expiresAtMs };
}
