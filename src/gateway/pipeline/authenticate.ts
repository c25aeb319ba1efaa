import { hash } from 'node:crypto';
import { Problem } from '../problem.js';

export interface Source {
  readonly name: string;
  readonly writeKey: string;
}

/** Where a write key may stand in a request. The first that is there counts. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly writeKeyHeader: string | undefined;
  readonly writeKeyQuery: string | undefined;
}

const BEARER = /^Bearer +(\S+) *$/i;
const BASIC = /^Basic +([A-Za-z0-9+/=_-]+) *$/i;
const MAX_KEY_LENGTH = 512;

/**
 * Which site sends. Keys are compared by their SHA-256: how long a look-up takes says nothing about a key whose digest
 * nobody can steer.
 */
export function createAuthenticate(sources: readonly Source[]) {
  const byDigest = new Map(sources.map((source) => [digest(source.writeKey), source.name]));

  return function authenticate(credentials: Credentials): string | Problem {
    const key = writeKeyOf(credentials);
    if (key === undefined || key === '') {
      return new Problem(
        'PS_WRITE_KEY_MISSING',
        'Send it as "Authorization: Bearer", as "X-Write-Key", as the user of Basic authorization, or as ?writeKey=',
      );
    }
    const source = key.length > MAX_KEY_LENGTH ? undefined : byDigest.get(digest(key));
    return source ?? new Problem('PS_WRITE_KEY_UNKNOWN', 'No source has this write key');
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
