import { rewriteBare, storedBare, withBare } from '../message/index.js';
import type { DeadLetterReason } from './settling.js';

const NEVER = Number.POSITIVE_INFINITY;

/** Longest session id; a rule's action may have made a longer one. */
const MAX_SESSION_ID_LENGTH = 128;

/** Why an entity that requires sessions has no place for a message. */
export function sessionFault(sessionId: string | undefined): DeadLetterReason | undefined {
  if (sessionId === undefined) {
    return {
      reason: 'Session ID is null.',
      description: "Session enabled entity doesn't allow a message whose session identifier is null.",
    };
  }
  return sessionId.length <= MAX_SESSION_ID_LENGTH
    ? undefined
    : { reason: 'SessionIdTooLong', description: `A session id has ${MAX_SESSION_ID_LENGTH} characters at the most.` };
}

/** As a message goes to a dead-letter queue. */
export function withReason(record: Buffer, { reason, description, changes }: DeadLetterReason): Buffer {
  const applicationProperties = new Map(changes?.applicationProperties ?? []);
  applicationProperties.set('DeadLetterReason', reason);
  if (description !== undefined) applicationProperties.set('DeadLetterErrorDescription', description);
  return withBare(record, rewriteBare(storedBare(record), { applicationProperties }), { expiresAtMs: NEVER });
}
