import { PenstockError } from '../../shared/errors.js';
import type { Position } from '../namespace/index.js';
import { BadField } from './fields.js';

/** An AMQP error as it goes to a client: the official SDKs decide by condition and, for some, by description. */
export interface AmqpFault {
  readonly condition: string;
  readonly description: string;
}

/** The SDKs tell a missing entity by this very sentence. */
export const entityNotFound = (namespace: string, path: string): AmqpFault => ({
  condition: 'amqp:not-found',
  description: `The messaging entity 'sb://${namespace}/${path}' could not be found.`,
});

export const consumerGroupNotFound = (namespace: string, hub: string, group: string): AmqpFault => ({
  condition: 'amqp:not-found',
  description: `The messaging entity '${namespace}:eventhub:${hub}~0|${group}' could not be found.`,
});

/** The services' own words. */
export const unauthorized = (namespace: string, path: string, claims = 'Listen, Send or Manage'): AmqpFault => ({
  condition: 'amqp:unauthorized-access',
  description:
    `Unauthorized access. '${claims}' claim(s) are required to perform this operation. ` +
    `Resource: 'sb://${namespace}/${path}'.`,
});

export const tokenExpired = (namespace: string, path: string): AmqpFault => ({
  condition: 'amqp:unauthorized-access',
  description: `ExpiredToken: The token is expired. Resource: 'sb://${namespace}/${path}'.`,
});

/** Links of one connection; the services allow about as many. */
export const MAX_LINKS = 5000;

export const tooManyLinks: AmqpFault = {
  condition: 'amqp:resource-limit-exceeded',
  description: `Cannot allocate more handles. The maximum number of links of a connection is ${MAX_LINKS}.`,
};

export const notAllowed = (description: string): AmqpFault => ({ condition: 'amqp:not-allowed', description });
export const notImplemented = (description: string): AmqpFault => ({ condition: 'amqp:not-implemented', description });

export const partitionOutOfRange = (partitions: number): AmqpFault => ({
  condition: 'com.microsoft:argument-out-of-range',
  description:
    'The specified partition is invalid for an EventHub partition sender or receiver. ' +
    `It should be between 0 and ${partitions - 1}.`,
});

export const entityDisabled = (namespace: string, path: string): AmqpFault => ({
  condition: 'com.microsoft:entity-disabled',
  description: `Messaging entity 'sb://${namespace}/${path}' is currently disabled.`,
});

export function positionBeyondEnd(position: Position, lastSequence: number): AmqpFault {
  const given = position.kind === 'sequence' ? position.sequence : '';
  const what = position.kind === 'sequence' && position.byOffset ? 'offset' : 'sequence number';
  return {
    condition: 'com.microsoft:argument-error',
    description: `The supplied ${what} '${given}' is invalid. ` + `The last ${what} in the system is '${lastSequence}'`,
  };
}

export const messageTooLarge = (maxBytes: number): AmqpFault => ({
  condition: 'amqp:link:message-size-exceeded',
  description: `The received message is larger than the link's maximum of ${maxBytes} bytes.`,
});

export const malformedMessage = (description: string): AmqpFault => ({
  condition: 'amqp:decode-error',
  description,
});

export const messageLockLost: AmqpFault = {
  condition: 'com.microsoft:message-lock-lost',
  description:
    'The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.',
};

export const messageNotFound: AmqpFault = {
  condition: 'com.microsoft:message-not-found',
  description: 'Failed to lock one or more specified messages. Either the message is already locked or does not exist.',
};

export const sessionLockLost: AmqpFault = {
  condition: 'com.microsoft:session-lock-lost',
  description: 'The session lock has expired on the session. Accept a new session.',
};

export const sessionCannotBeLocked = (sessionId: string): AmqpFault => ({
  condition: 'com.microsoft:session-cannot-be-locked',
  description: `The requested session '${sessionId}' cannot be accepted. It may be locked by another receiver.`,
});

export const noSessionInTime = (timeoutMs: number): AmqpFault => ({
  condition: 'com.microsoft:timeout',
  description: `The operation did not complete within the allotted timeout of ${timeoutMs} ms: no session was available.`,
});

/** The SDKs wait, and send again. */
export const serverBusy: AmqpFault = {
  condition: 'com.microsoft:server-busy',
  description: 'The server was unable to process the request; please retry the operation.',
};

export const internalError: AmqpFault = {
  condition: 'amqp:internal-error',
  description: 'The broker could not complete the operation.',
};

export const quotaExceeded = (description: string): AmqpFault => ({
  condition: 'amqp:resource-limit-exceeded',
  description,
});

const diskFull: AmqpFault = {
  condition: 'amqp:resource-limit-exceeded',
  description: 'The disk of the broker is full: nothing of this send was kept.',
};

/** A quota to the clients, so that they hear of it at once instead of trying for a minute. */
export const diskLow: AmqpFault = {
  condition: 'amqp:resource-limit-exceeded',
  description:
    'The disk of the broker is nearly full: nothing of this send was kept. Receiving goes on, and so does sending once ' +
    'there is room.',
};

export const entityDeleted = (path: string): AmqpFault => ({
  condition: 'amqp:resource-deleted',
  description: `The messaging entity '${path}' was deleted.`,
});

export const brokerStopping: AmqpFault = {
  condition: 'amqp:connection:forced',
  description: 'The broker is stopping.',
};

export const storeFailed: AmqpFault = {
  condition: 'amqp:internal-error',
  description: 'The broker cannot write to its disk, and ends.',
};

const isFault = (error: unknown): error is AmqpFault =>
  !(error instanceof Error) && error !== null && typeof error === 'object' && 'condition' in error;

/** What a client is told of anything that was thrown; what is not its own doing goes to `onError` and is not shown. */
export function faultOf(error: unknown, onError: (error: unknown) => void): AmqpFault {
  if (isFault(error)) return error;
  if (error instanceof BadField) return { condition: error.condition, description: error.description };
  if (error instanceof PenstockError && error.code === 'PS_BROKER_MESSAGE_MALFORMED') {
    return malformedMessage(error.message);
  }
  onError(error);
  if (!(error instanceof PenstockError)) return internalError;
  if (error.code === 'PS_BROKER_DISK_FULL') return diskFull;
  if (error.code === 'PS_BROKER_STORE_FAILED') return storeFailed;
  return error.code === 'PS_BROKER_STORE_CORRUPT' ? { ...internalError, description: error.message } : internalError;
}
