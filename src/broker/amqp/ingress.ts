import { randomUUID } from 'node:crypto';
import type { Delivery, EventContext, Receiver } from 'rhea';
import { BATCH_FORMAT, type IncomingMessage, identified, parseIncoming, splitBatch } from '../message/index.js';
import { overQuota, type QueueEntity, type TopicEntity } from '../namespace/index.js';
import {
  type AmqpFault,
  diskLow,
  faultOf,
  messageTooLarge,
  notAllowed,
  quotaExceeded,
  serverBusy,
} from './conditions.js';
import { messageFault } from './message-rules.js';
import type { Pausable, Pressure } from './pressure.js';
import { MAX_MESSAGE_BYTES, wasLetGo } from './rhea-transfers.js';
import type { OpenTransaction, Transactions } from './transactions/registry.js';
import { transactionalState, transactionOfTransfer, unknownTransaction } from './transactions/wire.js';
import { acceptDelivery, acceptedState, dropLate, rejectedState, settleAlone } from './transport.js';

/** Deliveries that a client may have on the way. Generous, because the SDKs give up when credit is missing for a second. */
const CREDIT = 1000;

export interface ParsedTransfer {
  readonly messages: readonly IncomingMessage[];
  /** Of the envelope of a batch, or of the single message. */
  readonly partitionKey: string | undefined;
}

/** Takes a transfer. An AmqpFault is an answer to the client. */
export interface Take {
  /** Resolves when it is durable. */
  (transfer: ParsedTransfer): Promise<AmqpFault | undefined>;
  /** Adds it to a transaction; absent where there are none. */
  readonly enlist?: (transfer: ParsedTransfer, transaction: OpenTransaction) => AmqpFault | undefined;
}

function parseTransfer(bytes: Buffer, format: number | undefined): ParsedTransfer {
  const envelope = parseIncoming(bytes);
  if (format !== BATCH_FORMAT) return { messages: [envelope], partitionKey: envelope.partitionKey };
  return { messages: splitBatch(bytes).map(parseIncoming), partitionKey: envelope.partitionKey };
}

/** A topic takes any message: it is for each subscription to say what it needs. */
const requiresSession = (entity: QueueEntity | TopicEntity): boolean =>
  entity.kind === 'queue' && entity.record.definition.requiresSession;

/** The service's own sentence. */
const sessionIdMissing: AmqpFault = {
  condition: 'amqp:not-allowed',
  description:
    'The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have session support ' +
    'enabled can only receive messages that have the SessionId set to a valid value.',
};

/** Why an entity does not take messages; undefined when it does. */
export function refusalOf(entity: QueueEntity | TopicEntity, messages: readonly IncomingMessage[]) {
  for (const message of messages) {
    const fault = messageFault(message);
    if (fault) return fault;
  }
  const missing = requiresSession(entity) && messages.some(({ sessionId }) => sessionId === undefined);
  if (missing) return sessionIdMissing;
  const full = overQuota(entity);
  return full && quotaExceeded(full.description);
}

const newId = () => randomUUID().replaceAll('-', '');

/** Messages of which each has an id. */
export const withIds = (messages: readonly IncomingMessage[]): IncomingMessage[] =>
  messages.map((message) => identified(message, newId));

/** The answer to what is durable. */
export const noFault = () => undefined;

export function takeIntoQueueOrTopic(entity: QueueEntity | TopicEntity): Take {
  const take = ({ messages }: ParsedTransfer) => {
    const fault = refusalOf(entity, messages);
    return fault ? Promise.resolve(fault) : entity.intake(withIds(messages)).then(noFault);
  };
  return Object.assign(take, {
    enlist: ({ messages }: ParsedTransfer, transaction: OpenTransaction) =>
      refusalOf(entity, messages) ?? transaction.put(entity, withIds(messages)),
  });
}

const notTransacted = notAllowed('Transactions are for queues and topics, not for event hubs.');

export interface IngressDeps {
  readonly onError: (error: unknown) => void;
  readonly pressure: Pressure;
  readonly isDiskLow: () => boolean;
  readonly transactions: Pick<Transactions, 'find'>;
  readonly socket: Pausable;
}

/** Serves a link on which a client sends: every transfer is answered once it is durable, or refused with the reason. */
export function serveIngress(deps: IngressDeps, receiver: Receiver, take: Take): void {
  const { onError, pressure, isDiskLow, socket, transactions } = deps;
  receiver.add_credit(CREDIT);
  let spent = 0;

  function topUp(): void {
    if (++spent < CREDIT / 4) return;
    receiver.add_credit(spent);
    spent = 0;
  }

  function refuseDelivery(delivery: Delivery, fault: AmqpFault): void {
    settleAlone(receiver.connection, delivery, rejectedState(fault));
  }

  /** What is thrown, and what is rejected, is an answer to the client alike. */
  function takeBytes(bytes: Buffer, format: number | undefined): Promise<AmqpFault | undefined> {
    try {
      if (bytes.length > MAX_MESSAGE_BYTES) throw messageTooLarge(MAX_MESSAGE_BYTES);
      return take(parseTransfer(bytes, format));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Adds a transfer to its transaction, which keeps it: so it may not be a view of anything bigger. */
  async function enlist(id: string, bytes: Buffer, format: number | undefined): Promise<AmqpFault | undefined> {
    const transaction = transactions.find(id);
    if (transaction === undefined) return unknownTransaction;
    if (take.enlist === undefined) return notTransacted;
    if (bytes.length > MAX_MESSAGE_BYTES) return messageTooLarge(MAX_MESSAGE_BYTES);
    return take.enlist(parseTransfer(Buffer.from(bytes), format), transaction);
  }

  /** Never within the event that brought the transfer: see `flush`. */
  function answer(delivery: Delivery, fault: AmqpFault | undefined): void {
    const id = transactionOfTransfer(delivery);
    try {
      if (fault) refuseDelivery(delivery, fault);
      else if (id !== undefined) settleAlone(receiver.connection, delivery, transactionalState(id, acceptedState()));
      else acceptDelivery(delivery);
    } catch (error) {
      onError(error);
    } finally {
      topUp();
    }
  }

  /** Nothing here keeps `bytes` while it waits: they are a view of all that the socket brought at once. */
  function handle(bytes: Buffer, delivery: Delivery): void {
    const size = bytes.length;
    if (isDiskLow()) {
      setImmediate(() => answer(delivery, diskLow));
      return;
    }
    if (wasLetGo(delivery) || !pressure.enter(socket, size)) {
      setImmediate(() => answer(delivery, serverBusy));
      return;
    }
    const end = (fault: AmqpFault | undefined) => {
      answer(delivery, fault);
      pressure.leave(size);
    };
    const id = transactionOfTransfer(delivery);
    (id === undefined ? takeBytes(bytes, delivery.format) : enlist(id, bytes, delivery.format)).then(end, (error) =>
      end(faultOf(error, onError)),
    );
  }

  receiver.on('message', ({ message, delivery }: EventContext) => {
    if (dropLate(receiver, delivery as Delivery)) return;
    handle(message as unknown as Buffer, delivery as Delivery);
  });
}
