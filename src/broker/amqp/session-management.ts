import rhea from 'rhea';
import type { HeldSession, QueueRuntime, SessionRuntime } from '../namespace/index.js';
import { answer, done, fail } from './bus-replies.js';
import { notAllowed, sessionLockLost } from './conditions.js';
import { BadField, type Fields, optionalBinary, optionalTime, optionalWhole, textField } from './fields.js';
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

/** The session that a request names, where it is in the hands of who asks; else the answer. */
export function heldSession(sessions: SessionRuntime, body: Fields, owner: unknown): HeldSession | Reply {
  const session = sessions.held(textField(body, 'session-id'));
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
  const state = optionalBinary(body, 'session-state');
  if (state !== undefined && state.length > MAX_MESSAGE_BYTES) {
    throw new BadField('session-state', `${MAX_MESSAGE_BYTES} bytes at the most are expected`);
  }
  await sessions.setState(session, state);
  return done;
}

async function list(sessions: SessionRuntime, body: Fields): Promise<Reply> {
  const sinceMs = optionalTime(body, 'last-updated-time') ?? 0;
  const skip = optionalWhole(body, 'skip', { least: 0 }) ?? 0;
  const top = Math.min(optionalWhole(body, 'top', { least: 0 }) ?? MAX_LISTED, MAX_LISTED);
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
