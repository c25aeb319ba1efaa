import rhea from 'rhea';
import { withLockToken, withoutBody } from '../message/index.js';
import { MAX_DEFERRED_BYTES, type QueueRuntime, type SettleOutcome, type Settling } from '../namespace/index.js';
import { isRuleName } from '../topology/index.js';
import { type Address, queueAt } from './address.js';
import { answer, badRequest, bodyOf, done, fail, isAnyNegative } from './bus-replies.js';
import {
  type AmqpFault,
  diskLow,
  entityNotFound,
  messageLockLost,
  messageNotFound,
  notAllowed,
  notImplemented,
} from './conditions.js';
import type { ConnectionContext } from './context.js';
import {
  BadField,
  type Fields,
  optionalFlag,
  optionalMap,
  optionalText,
  optionalWhole,
  textField,
  timeField,
  wholeField,
  wholeNumbers,
} from './fields.js';
import { lockTokenOf } from './lock-token.js';
import { disabledFor, sendObjection } from './objections.js';
import { changesOf, deadLetterReason, LOST } from './queue-egress.js';
import { type NodeRequest, type Reply, textProperty } from './requests.js';
import { decodeRule, encodeRule } from './rule-codec.js';
import { cancelScheduled, scheduleMessages } from './scheduled-requests.js';
import { answerSessionRequest, heldSession, SESSION_OPERATIONS } from './session-management.js';

const { types } = rhea;
const TIMESTAMP_CODE = 0x83;
/** Most messages in one answer, whatever is asked for; the client asks again. */
const MAX_PEEKED = 250;
/** Most deferred messages in one request. */
const MAX_DEFERRED = 250;
/** Most messages of one deletion; the clients ask again. */
const MAX_DELETED = 4000;
const MAX_RULES = 2000;

function lockTokens(body: Fields): string[] {
  const tokens: unknown = body['lock-tokens'];
  const isToken = (token: unknown) => Buffer.isBuffer(token) && token.length === 16;
  if (!Array.isArray(tokens) || tokens.length === 0 || !tokens.every(isToken)) {
    throw new BadField('lock-tokens', 'an array of UUIDs is expected');
  }
  return tokens.map(lockTokenOf);
}

const lockIsOfSession = notAllowed('The lock on a message of a session is that on the session: renew that.');

function renewLocks(queue: QueueRuntime, body: Fields): Reply {
  if (queue.sessions !== undefined) return fail(400, lockIsOfSession);
  const ends = lockTokens(body).map((token) => queue.renew(token));
  if (ends.some((end) => end === undefined)) return fail(410, messageLockLost);
  return answer(200, 'OK', { expirations: types.wrap_array(ends, TIMESTAMP_CODE, undefined) });
}

/** Where messages are settled and received by number: the queue, or the session that the client holds. */
function settlingOf(queue: QueueRuntime, body: Fields, owner: unknown): Settling | Reply {
  return queue.sessions === undefined ? queue : heldSession(queue.sessions, body, owner);
}

interface Peeked {
  readonly peek: QueueRuntime['peek'];
  readonly sessions?: QueueRuntime['sessions'];
}

async function peek(queue: Peeked, body: Fields): Promise<Reply> {
  const from = wholeField(body, 'from-sequence-number');
  const limit = Math.min(wholeField(body, 'message-count', { least: 1 }), MAX_PEEKED);
  const sessionId = optionalText(body, 'session-id');
  const omitBody = optionalFlag(body, 'omit-message-body');
  const messages =
    queue.sessions === undefined || sessionId === undefined
      ? await queue.peek(from, limit)
      : await queue.sessions.peek({ sessionId, fromSequence: from, limit });
  if (messages.length === 0) return answer(204, 'No content');
  return answer(200, 'OK', {
    messages: messages.map(({ payload }) => ({ message: omitBody ? withoutBody(payload) : payload })),
  });
}

type Settle = (queue: Settling, token: string) => Promise<SettleOutcome>;

function disposition(body: Fields): Settle {
  const changes = optionalMap(body, 'properties-to-modify');
  const reason = optionalText(body, 'deadletter-reason');
  const description = optionalText(body, 'deadletter-description');
  switch (textField(body, 'disposition-status')) {
    case 'completed':
      return (queue, token) => queue.complete(token);
    case 'abandoned':
      return (queue, token) => queue.abandon(token, changesOf(changes));
    case 'defered':
      return (queue, token) => queue.defer(token, changesOf(changes));
    case 'suspended': {
      const info = { ...changes, DeadLetterReason: reason, DeadLetterErrorDescription: description };
      return (queue, token) => queue.deadLetter(token, deadLetterReason(info));
    }
    default:
      throw new BadField('disposition-status', 'completed, abandoned, defered or suspended is expected');
  }
}

async function updateDisposition(queue: QueueRuntime, body: Fields, owner: unknown): Promise<Reply> {
  const tokens = lockTokens(body);
  const settle = disposition(body);
  const settling = settlingOf(queue, body, owner);
  if ('properties' in settling) return settling;
  const outcomes = await Promise.all(tokens.map((token) => settle(settling, token)));
  const lost = outcomes.find((outcome) => outcome !== 'done');
  return lost === undefined ? done : fail(410, LOST[lost]);
}

const deferredTooLarge: AmqpFault = {
  condition: 'amqp:link:message-size-exceeded',
  description: `The messages have more than ${MAX_DEFERRED_BYTES} bytes together: ask for fewer at once.`,
};

async function receiveDeferred(queue: QueueRuntime, body: Fields, owner: unknown): Promise<Reply> {
  const sequences = wholeNumbers(body, 'sequence-numbers', MAX_DEFERRED);
  const settleMode = optionalWhole(body, 'receiver-settle-mode', { least: 0, most: 1 });
  const mode = settleMode === 0 ? 'receive-and-delete' : 'peek-lock';
  const settling = settlingOf(queue, body, owner);
  if ('properties' in settling) return settling;
  const received = isAnyNegative(sequences) ? undefined : await settling.receiveDeferred(sequences, mode);
  if (received === undefined) return fail(404, messageNotFound);
  if (received === 'too-large') return fail(400, deferredTooLarge);
  return answer(200, 'OK', {
    messages: received.map(({ lockToken, payload }) => ({
      message: withLockToken(payload, lockToken),
      'lock-token': types.wrap_uuid(Buffer.from(lockToken, 'hex')),
    })),
  });
}

/** `com.microsoft:batch-delete-messages`, which newer clients call `deleteMessages` and `purgeMessages`; of one session where there are any. */
async function deleteMessages(queue: QueueRuntime, body: Fields, owner: unknown): Promise<Reply> {
  const count = wholeField(body, 'message-count', { least: 1, most: MAX_DELETED });
  const beforeMs = timeField(body, 'enqueued-time-utc');
  const from = queue.sessions === undefined ? queue : heldSession(queue.sessions, body, owner);
  if ('properties' in from) return from;
  const removed = await from.deleteActive(count, beforeMs);
  return answer(removed === 0 ? 204 : 200, removed === 0 ? 'No content' : 'OK', {
    'message-count': types.wrap_int(removed),
  });
}

type SubscriptionAddress = Extract<Address, { kind: 'subscription' }>;

function enumerateRules({ admin }: ConnectionContext, { topic, name }: SubscriptionAddress, body: Fields): Reply {
  const skip = optionalWhole(body, 'skip', { least: 0 }) ?? 0;
  const top = Math.min(optionalWhole(body, 'top', { least: 0 }) ?? MAX_RULES, MAX_RULES);
  const rules = (admin.rules(topic, name) ?? []).slice(skip, skip + top);
  if (rules.length === 0) return answer(204, 'No content');
  return answer(200, 'OK', {
    rules: rules.map(({ definition, runtime }) => encodeRule(definition, runtime.createdAtMs)),
  });
}

async function addRule({ admin }: ConnectionContext, { topic, name }: SubscriptionAddress, body: Fields) {
  const rule = decodeRule(body);
  const outcome = await admin.createRule(topic, name, rule);
  switch (outcome.kind) {
    case 'created':
      return done;
    case 'exists':
      return fail(409, {
        condition: 'com.microsoft:entity-already-exists',
        description: `The rule '${rule.name}' exists already.`,
      });
    case 'invalid':
      return badRequest(`${isRuleName(rule.name) ? 'rule-description' : 'rule-name'}: ${outcome.reason}`);
    case 'quota':
      return fail(403, { condition: 'amqp:resource-limit-exceeded', description: outcome.reason });
    case 'not-found':
      return fail(404, notAllowed('The subscription was deleted.'));
  }
}

async function removeRule({ admin }: ConnectionContext, { topic, name }: SubscriptionAddress, body: Fields) {
  const rule = textField(body, 'rule-name');
  const outcome = await admin.deleteRule(topic, name, rule);
  if (outcome.kind === 'deleted') return done;
  return fail(404, {
    condition: 'com.microsoft:entity-not-found',
    description: `The messaging entity rule '${rule}' could not be found.`,
  });
}

/** The queue or subscription that an address names, or whose dead letters. */
function entityOf({ namespace }: ConnectionContext, address: Address | undefined) {
  if (address?.kind !== 'named' && address?.kind !== 'subscription') return undefined;
  const entity =
    address.kind === 'named' ? namespace.find(address.name) : namespace.findSubscription(address.topic, address.name);
  if (entity?.kind !== 'queue' && entity?.kind !== 'subscription') return undefined;
  entity.usage.touch();
  return { entity, queue: queueAt(entity.queue, address) };
}

/** These change what an entity is; all others look at its messages, or take them. */
const RULE_OPERATIONS = new Set([
  'com.microsoft:enumerate-rules',
  'com.microsoft:add-rule',
  'com.microsoft:remove-rule',
]);

/** Answers a request on the `$management` node of a queue, topic or subscription of Service Bus. */
export async function answerBusRequest(
  context: ConnectionContext,
  address: Address | undefined,
  request: NodeRequest,
): Promise<Reply> {
  const operation = textProperty(request, 'operation');
  if (operation === undefined) throw new BadField('operation', 'a string is expected');
  const unsupported = fail(501, notImplemented(`${operation} is not supported by this broker.`));
  const entity = address?.kind === 'named' && !address.deadLetters ? context.namespace.find(address.name) : undefined;
  if (entity?.kind === 'queue' || entity?.kind === 'topic') {
    entity.usage.touch();
    switch (operation) {
      case 'com.microsoft:schedule-message': {
        const objection = sendObjection(context, entity);
        if (objection) return fail(400, objection);
        if (context.isDiskLow()) return fail(403, diskLow);
        return scheduleMessages(entity, bodyOf(request));
      }
      case 'com.microsoft:cancel-scheduled-message':
        return cancelScheduled(entity, bodyOf(request));
    }
  }
  if (entity?.kind === 'topic') {
    return operation === 'com.microsoft:peek-message' ? peek(entity, bodyOf(request)) : unsupported;
  }
  const { entity: owner, queue } = entityOf(context, address) ?? {};
  if (owner === undefined || queue === undefined) {
    return fail(404, entityNotFound(context.namespaceName, pathText(address)));
  }
  const objection = RULE_OPERATIONS.has(operation) ? undefined : disabledFor(context, owner, 'ReceiveDisabled');
  if (objection) return fail(400, objection);
  const body = bodyOf(request);
  switch (operation) {
    case 'com.microsoft:renew-lock':
      return renewLocks(queue, body);
    case 'com.microsoft:peek-message':
      return peek(queue, body);
    case 'com.microsoft:receive-by-sequence-number':
      return receiveDeferred(queue, body, context);
    case 'com.microsoft:batch-delete-messages':
      return deleteMessages(queue, body, context);
    case 'com.microsoft:update-disposition':
      return updateDisposition(queue, body, context);
  }
  if (SESSION_OPERATIONS.has(operation)) return answerSessionRequest(queue, operation, body, context);
  if (address?.kind !== 'subscription') return unsupported;
  switch (operation) {
    case 'com.microsoft:enumerate-rules':
      return enumerateRules(context, address, body);
    case 'com.microsoft:add-rule':
      return addRule(context, address, body);
    case 'com.microsoft:remove-rule':
      return removeRule(context, address, body);
    default:
      return unsupported;
  }
}

const pathText = (address: Address | undefined): string => {
  if (address?.kind === 'named') return address.name;
  return address?.kind === 'subscription' ? `${address.topic}/Subscriptions/${address.name}` : '';
};
