import rhea from 'rhea';
import { type IncomingMessage, parseIncoming } from '../message/index.js';
import type { QueueEntity, TopicEntity } from '../namespace/index.js';
import { answer, badRequest, done, type Fields, fail, isAnyNegative, wholeNumbers } from './bus-replies.js';
import { faultOf, messageNotFound } from './conditions.js';
import { refusalOf, withIds } from './ingress.js';
import type { Reply } from './requests.js';

const { types } = rhea;
const LONG_CODE = 0x81;
/** Most messages in one request; a request is bounded in bytes as well. */
const MAX_SCHEDULED = 4500;

interface Parsed {
  readonly messages: IncomingMessage[];
}

function parseMessages(given: unknown): Parsed | undefined {
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_SCHEDULED) return undefined;
  const encoded = given.map((one) => (one as Fields | null)?.['message']);
  return encoded.every((bytes) => Buffer.isBuffer(bytes))
    ? { messages: encoded.map((bytes) => parseIncoming(bytes as Buffer)) }
    : undefined;
}

/** `com.microsoft:schedule-message`: each message says in its annotations when it is to be enqueued. */
export async function scheduleMessages(
  entity: QueueEntity | TopicEntity,
  body: Fields,
  onError: (error: unknown) => void,
): Promise<Reply> {
  let parsed: Parsed | undefined;
  try {
    parsed = parseMessages(body['messages']);
  } catch (error) {
    return fail(400, faultOf(error, onError));
  }
  if (parsed === undefined) return badRequest(`messages: 1 to ${MAX_SCHEDULED} encoded messages are expected.`);
  const { messages } = parsed;
  if (messages.some(({ scheduledEnqueueTimeMs }) => scheduledEnqueueTimeMs === undefined)) {
    return badRequest('x-opt-scheduled-enqueue-time: every message needs it to be scheduled.');
  }
  const fault = refusalOf(entity, messages);
  if (fault) return fail(400, fault);
  const numbers = await entity.schedule(withIds(messages));
  return answer(200, 'OK', { 'sequence-numbers': types.wrap_array(numbers, LONG_CODE, undefined) });
}

/** `com.microsoft:cancel-scheduled-message`. */
export async function cancelScheduled(entity: QueueEntity | TopicEntity, body: Fields): Promise<Reply> {
  const sequences = wholeNumbers(body['sequence-numbers'], MAX_SCHEDULED);
  if (sequences === undefined) return badRequest(`sequence-numbers: 1 to ${MAX_SCHEDULED} numbers are expected.`);
  return !isAnyNegative(sequences) && (await entity.scheduler.cancel(sequences)) ? done : fail(404, messageNotFound);
}
