import { hash } from 'node:crypto';
import { Problem } from '../problem.js';
import type { Credentials } from './client.js';
import type { Sender } from './sender.js';

const BEARER = /^Bearer +(\S+) *$/i;
const BASIC = /^Basic +([A-Za-z0-9+/=_-]+) *$/i;
const MAX_KEY_LENGTH = 512;
/** Of what is remembered for a connection. */
const MAX_SHOWN_LENGTH = 1024;

/**
 * Which site sends, and what its key may do. Keys are compared by their SHA-256: how long a look-up takes says nothing about a key whose digest
 * nobody can steer.
 */
export function createAuthenticate(senders: ReadonlyMap<string, Sender>) {
  const byDigest = new Map([...senders].map(([writeKey, sender]) => [digest(writeKey), sender]));

  /**
   * What a connection showed last: with it the key need not be found and its digest not be made again. What the
   * comparison takes tells a client only about a key that it sent itself.
   */
  const lastOf = new WeakMap<object, { readonly shown: Credentials; readonly sender: Sender }>();

  return function authenticate(credentials: Credentials): Sender | Problem {
    const last = lastOf.get(credentials.connection);
    if (last !== undefined && isSame(last.shown, credentials)) return last.sender;
    const key = writeKeyOf(credentials);
    if (key === undefined || key === '') {
      return new Problem(
        'PS_WRITE_KEY_MISSING',
        'Send it as "Authorization: Bearer", as "X-Write-Key", as the user of Basic authorization, or as ?writeKey=',
      );
    }
    const sender = key.length > MAX_KEY_LENGTH ? undefined : byDigest.get(digest(key));
    if (sender === undefined) return new Problem('PS_WRITE_KEY_UNKNOWN', 'No source has this write key');
    if (lengthOf(credentials) <= MAX_SHOWN_LENGTH) lastOf.set(credentials.connection, { shown: credentials, sender });
    return sender;
  };
}

function lengthOf({ authorization = '', writeKeyHeader = '', writeKeyQuery = '' }: Credentials): number {
  return authorization.length + writeKeyHeader.length + writeKeyQuery.length;
}

function isSame(one: Credentials, other: Credentials): boolean {
  return (
    one.authorization === other.authorization &&
    one.writeKeyHeader === other.writeKeyHeader &&
    one.writeKeyQuery === other.writeKeyQuery
  );
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
