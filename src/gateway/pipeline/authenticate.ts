import { hash } from 'node:crypto';
import { Problem } from '../problem.js';
import type { Credentials } from './client.js';
import type { Sender } from './sender.js';

const BEARER = /^Bearer +(\S+) *$/i;
const BASIC = /^Basic +([A-Za-z0-9+/=_-]+) *$/i;
const MAX_KEY_LENGTH = 512;

/**
 * Which site sends, and what its key may do. Keys are compared by their SHA-256: how long a look-up takes says nothing about a key whose digest
 * nobody can steer.
 */
export function createAuthenticate(senders: ReadonlyMap<string, Sender>) {
  const byDigest = new Map([...senders].map(([writeKey, sender]) => [digest(writeKey), sender]));

  /**
   * The key that a connection showed last: with it the digest need not be made again. What the comparison takes tells a
   * client only about a key that it sent itself.
   */
  const lastOf = new WeakMap<object, { readonly key: string; readonly sender: Sender }>();

  return function authenticate(credentials: Credentials): Sender | Problem {
    const key = writeKeyOf(credentials);
    if (key === undefined || key === '') {
      return new Problem(
        'PS_WRITE_KEY_MISSING',
        'Send it as "Authorization: Bearer", as "X-Write-Key", as the user of Basic authorization, or as ?writeKey=',
      );
    }
    const last = lastOf.get(credentials.connection);
    if (last?.key === key) return last.sender;
    const sender = key.length > MAX_KEY_LENGTH ? undefined : byDigest.get(digest(key));
    if (sender !== undefined) lastOf.set(credentials.connection, { key, sender });
    return sender ?? new Problem('PS_WRITE_KEY_UNKNOWN', 'No source has this write key');
  };
}

function digest(key: string): string {
  return hash('sha256', key, 'base64');
}

function writeKeyOf({ authorization, writeKeyHeader, writeKeyQuery }: Credentials): string | undefined {
  if (writeKeyHeader !== undefined) return writeKeyHeader;
  if (authorization === undefined) return writeKeyQuery;
  const bearer = BEARER.exec(authorization);
  if (bearer) return bearer[1];
  const basic = BASIC.exec(authorization)?.[1];
  return basic === undefined ? writeKeyQuery : Buffer.from(basic, 'base64').toString().split(':', 1)[0];
}
