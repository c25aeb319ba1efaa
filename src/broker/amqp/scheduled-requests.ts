import rhea from 'rhea';
import { PenstockError } from '../../shared/errors.js';
import { type IncomingMessage, parseIncoming } from '../message/index.js';
import type { QueueEntity, TopicEntity } from '../namespace/index.js';
import { answer, done, fail, isAnyNegative } from './bus-replies.js';
import { malformedMessage, messageNotFound } from './conditions.js';
import { BadField, type Fields, isMap, wholeNumbers } from './fields.js';
import { refusalOf, withIds } from './ingress.js';
import type { Reply } from './requests.js';

const { types } = rhea;
const LONG_CODE = 0x81;
/** Most messages in one request; a request is bounded in bytes as well. */
const MAX_SCHEDULED = 4500;

function parseMessage(given: unknown, index: number): IncomingMessage {
  const bytes = isMap(given) ? given['message'] : undefined;
  if (!Buffer.isBuffer(bytes)) throw new BadField(`messages[${index}].message`, 'an encoded message is expected');
  try {
    return parseIncoming(bytes);
  } catch (error) {
    if (!(error instanceof PenstockError) || error.code !== 'PS_BROKER_MESSAGE_MALFORMED') throw error;
    throw malformedMessage(`messages[${index}].message: ${error.message}`);
  }
}

function parseMessages(given: unknown): IncomingMessage[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_SCHEDULED) {
    throw new BadField('messages', `1 to ${MAX_SCHEDULED} messages are expected`);
  }
  return given.map(parseMessage);
}

/** `com.microsoft:schedule-message`: each message says in its annotations when it is to be enqueued. */
export async function scheduleMessages(entity: QueueEntity | TopicEntity, body: Fields): Promise<Reply> {
  const messages = parseMessages(body['messages']);
  const unscheduled = messages.findIndex(({ scheduledEnqueueTimeMs }) => scheduledEnqueueTimeMs === undefined);
  if (unscheduled >= 0) {
    throw new BadField(
      `messages[${unscheduled}].message`,
      'x-opt-scheduled-enqueue-time is expected in its annotations',
    );
  }
  const fault = refusalOf(entity, messages);
  if (fault) return fail(400, fault);
  const numbers = await entity.schedule(withIds(messages));
  return answer(200, 'OK', { 'sequence-numbers': types.wrap_array(numbers, LONG_CODE, undefined) });
}

/** `com.microsoft:cancel-scheduled-message`. */
export async function cancelScheduled(entity: QueueEntity | TopicEntity, body: Fields): Promise<Reply> {
  const sequences = wholeNumbers(body, 'sequence-numbers', MAX_SCHEDULED);
  return !isAnyNegative(sequences) && (await entity.scheduler.cancel(sequences)) ? done : fail(404, messageNotFound);
}
