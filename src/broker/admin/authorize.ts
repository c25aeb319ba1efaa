import { allows, type SasKeys, type SasOutcome, verifySasToken } from '../security/index.js';
import { AdminError } from './errors.js';

const REASONS: Readonly<Record<Exclude<SasOutcome['kind'], 'ok'>, string>> = {
  malformed: 'MalformedToken: the authorization header holds no shared access signature.',
  'invalid-signature': 'InvalidSignature: The token has an invalid signature.',
  expired: 'ExpiredToken: The token is expired.',
  'wrong-audience': 'InvalidAudience: The authorization token audience does not cover this resource.',
};

const MANAGE_REQUIRED = "Unauthorized access. 'Manage' claim(s) are required to perform this operation.";

const refused = (detail: string) => new AdminError('PS_ADMIN_UNAUTHORIZED', detail);

/** @throws AdminError PS_ADMIN_UNAUTHORIZED unless the header holds a token that covers `url`, of a rule that may manage. */
export type Authorizer = (header: string | undefined, url: string) => void;

export function createAuthorizer(keys: SasKeys, now: () => number): Authorizer {
  return function authorize(header, url) {
    if (header === undefined) throw refused('MissingToken: The authorization header was not found.');
    const outcome = verifySasToken(header, { audience: url, keys, nowMs: now() });
    if (outcome.kind !== 'ok') throw refused(REASONS[outcome.kind]);
    if (!allows(outcome.rights, 'Manage')) throw refused(MANAGE_REQUIRED);
  };
}
