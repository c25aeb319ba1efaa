import rhea from 'rhea';
import type { HeldSession, QueueRuntime, SessionRuntime } from '../namespace/index.js';
import { answer, badRequest, done, type Fields, fail, wholeNumber } from './bus-replies.js';
import { notAllowed, sessionLockLost } from './conditions.js';
import type { Reply } from './requests.js';
import { MAX_MESSAGE_BYTES } from './rhea-transfers.js';

const { types } = rhea;
const STRING_CODE = 0xa1;
/** Most sessions in one answer; the client asks again. */
const MAX_LISTED = 1000;
/** What .NET clients send as the time when they want the sessions that have messages: the end of the year 9999. */
const NO_TIME_MS = Date.UTC(9999, 11, 31);

export const SESSION_OPERATIONS = new Set([
  'com.microsoft:renew-session-lock',
  'com.microsoft:get-session-state',
  'com.microsoft:set-session-state',
  'com.microsoft:get-message-sessions',
]);

const noSessions = fail(400, notAllowed('The entity does not require sessions.'));
const noSessionId = badRequest('session-id is expected.');

/** The session that a request names, where it is in the hands of who asks; else the answer. */
export function heldSession(sessions: SessionRuntime, body: Fields, owner: unknown): HeldSession | Reply {
  const sessionId = body['session-id'];
  if (typeof sessionId !== 'string') return noSessionId;
  const session = sessions.held(sessionId);
  return session?.owner === owner && session !== undefined ? session : fail(410, sessionLockLost);
}

function renewLock(sessions: SessionRuntime, session: HeldSession): Reply {
  const untilMs = sessions.renew(session);
  if (untilMs === undefined) return fail(410, sessionLockLost);
  return answer(200, 'OK', { expiration: types.wrap_timestamp(untilMs) });
}

async function getState(sessions: SessionRuntime, session: HeldSession): Promise<Reply> {
  const state = await sessions.state(session);
  return answer(200, 'OK', { 'session-state': state === undefined ? null : types.wrap_binary(state) });
}

async function setState(sessions: SessionRuntime, session: HeldSession, body: Fields): Promise<Reply> {
  const state = body['session-state'] ?? null;
  if (state !== null && !Buffer.isBuffer(state)) return badRequest('session-state: binary is expected.');
  if (state !== null && state.length > MAX_MESSAGE_BYTES) {
    return badRequest(`session-state: ${MAX_MESSAGE_BYTES} bytes at the most.`);
  }
  await sessions.setState(session, state ?? undefined);
  return done;
}

async function list(sessions: SessionRuntime, body: Fields): Promise<Reply> {
  const since = body['last-updated-time'];
  const sinceMs = since instanceof Date ? since.getTime() : (wholeNumber(since) ?? 0);
  const skip = Math.max(0, wholeNumber(body['skip']) ?? 0);
  const top = Math.min(Math.max(0, wholeNumber(body['top']) ?? MAX_LISTED), MAX_LISTED);
  const updatedSinceMs = sinceMs >= NO_TIME_MS ? undefined : sinceMs;
  const sessionIds = await sessions.list({ updatedSinceMs, skip, top });
  if (sessionIds.length === 0) return answer(204, 'No content');
  return answer(200, 'OK', {
    skip: types.wrap_int(skip + sessionIds.length),
    'sessions-ids': types.wrap_array(sessionIds, STRING_CODE, undefined),
  });
}

/** Answers a request of the sessions of an entity on its `$management` node. */
export async function answerSessionRequest(
  { sessions }: QueueRuntime,
  operation: string,
  body: Fields,
  owner: unknown,
): Promise<Reply> {
  if (sessions === undefined) return noSessions;
  if (operation === 'com.microsoft:get-message-sessions') return list(sessions, body);
  const session = heldSession(sessions, body, owner);
  if ('properties' in session) return session;
  switch (operation) {
    case 'com.microsoft:renew-session-lock':
      return renewLock(sessions, session);
    case 'com.microsoft:get-session-state':
      return getState(sessions, session);
    default:
      return setState(sessions, session, body);
  }
}
