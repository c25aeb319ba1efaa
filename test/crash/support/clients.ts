import { randomBytes } from 'node:crypto';
import { EventHubProducerClient } from '@azure/event-hubs';
import {
  ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
  type ServiceBusSender,
} from '@azure/service-bus';
import { HUB, JOBS, ORDERS } from './broker.js';
import type { Ledger, LogLedger, Settling } from './ledger.js';
import type { Random } from './random.js';

const retryOptions = { maxRetries: 0, timeoutInMs: 5000 };
const LARGEST_BATCH = 20;
const RECEIVE = { maxWaitTimeInMs: 250 };

/** What outlives the rounds. */
export interface Subjects {
  readonly orders: Ledger;
  readonly jobs: Ledger;
  readonly partitions: readonly LogLedger[];
  readonly random: Random;
  /** The part of the sends of jobs that carry ballast. */
  readonly laden: number;
  /** Ids of orders that were sent and not answered: whoever sent them sends them again. */
  readonly inDoubt: Set<string>;
  readonly settledOrders: string[];
  /** Sequence numbers of orders as the client wants them back. */
  readonly numbers: Map<string, NonNullable<ServiceBusReceivedMessage['sequenceNumber']>>;
  /** The next number of an id and of an event. */
  next: number;
}

/** Clients under load until the broker is gone. `over` says that it has been killed. */
export interface Round {
  readonly connectionString: string;
  readonly over: () => boolean;
}

/** One turn of a worker, again and again, until its broker is gone. Errors before that are the broker's fault. */
async function repeat(round: Round, errors: string[], turn: () => Promise<void>): Promise<void> {
  while (!round.over()) {
    try {
      await turn();
    } catch (error) {
      if (round.over()) return;
      // The connection may break a moment before the kill is known here.
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (!round.over()) errors.push(String(error));
      return;
    }
  }
}

const newIds = (subjects: Subjects, prefix: string): string[] =>
  Array.from({ length: 1 + subjects.random.below(LARGEST_BATCH) }, () => `${prefix}${subjects.next++}`);

/** Sends orders: new ones, those whose answer was lost, and some that were accepted long ago. */
async function sendOrders(sender: ServiceBusSender, subjects: Subjects): Promise<void> {
  const { orders, random, inDoubt, settledOrders } = subjects;
  const repeated = random.chance(0.2) ? random.pick(settledOrders) : undefined;
  const again = [...inDoubt].slice(0, LARGEST_BATCH);
  const ids = again.length > 0 ? again : [...newIds(subjects, 'o'), ...(repeated === undefined ? [] : [repeated])];
  for (const id of ids) {
    orders.sending(id);
    inDoubt.add(id);
  }
  const single = ids.length === 1 ? ids[0] : undefined;
  if (single !== undefined) await sender.sendMessages({ body: single, messageId: single });
  else await sender.sendMessages(ids.map((messageId) => ({ body: messageId, messageId })));
  for (const id of ids) {
    orders.accepted(id);
    inDoubt.delete(id);
    settledOrders.push(id);
  }
}

/**
 * What jobs carry at times: written and deleted again, and not to be packed, so that LevelDB has files to merge all the time,
 * and is killed while it does.
 */
const BALLAST_BYTES = 40_000;

async function sendJobs(sender: ServiceBusSender, subjects: Subjects): Promise<void> {
  const ids = newIds(subjects, 'j');
  const ballast = subjects.random.chance(subjects.laden) ? randomBytes(BALLAST_BYTES) : Buffer.alloc(0);
  for (const id of ids) subjects.jobs.sending(id);
  await sender.sendMessages(ids.map((id) => ({ subject: id, body: ballast })));
  for (const id of ids) subjects.jobs.accepted(id);
}

/** What a receiver does with a message; the rest stays locked until the broker is killed. */
type Act = 'complete' | 'abandon' | 'dead-letter' | 'defer' | 'keep';

function drawAct(random: Random): Act {
  const draw = random.below(100);
  if (draw < 55) return 'complete';
  if (draw < 70) return 'abandon';
  if (draw < 80) return 'dead-letter';
  return draw < 92 ? 'defer' : 'keep';
}

/** Does with a message what was drawn, and notes it when it was confirmed. */
async function settle(receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage, act: Act, orders: Ledger) {
  const id = String(message.messageId);
  const finish = async (what: Settling, work: () => Promise<void>) => {
    orders.asking(id, what);
    await work();
    orders.settled(id, what);
  };
  if (act === 'complete') await finish('completed', () => receiver.completeMessage(message));
  if (act === 'dead-letter') {
    const why = { deadLetterReason: 'drawn', deadLetterErrorDescription: 'by chance' };
    await finish('dead-lettered', () => receiver.deadLetterMessage(message, why));
  }
  if (act === 'defer') await finish('deferred', () => receiver.deferMessage(message, { aside: true }));
  if (act === 'abandon') {
    await receiver.abandonMessage(message, { tried: true });
    orders.abandoned(id);
  }
}

/**
 * Completions go together. Everything else goes one by one: the client's AMQP library (rhea 3.0.5, write_dispositions)
 * gives two neighbours that are settled in one turn the outcome of the first.
 */
async function settleAll(
  receiver: ServiceBusReceiver,
  messages: readonly ServiceBusReceivedMessage[],
  subjects: Subjects,
) {
  const { orders, random } = subjects;
  const drawn = messages.map((message) => ({ message, act: drawAct(random) }));
  const completed = drawn.filter(({ act }) => act === 'complete');
  await Promise.all(completed.map(({ message, act }) => settle(receiver, message, act, orders)));
  for (const { message, act } of drawn) if (act !== 'complete') await settle(receiver, message, act, orders);
}

async function receiveOrders(receiver: ServiceBusReceiver, subjects: Subjects): Promise<void> {
  const messages = await receiver.receiveMessages(1 + subjects.random.below(LARGEST_BATCH), RECEIVE);
  for (const { messageId, sequenceNumber, deliveryCount } of messages) {
    const id = String(messageId);
    subjects.orders.delivered(id, sequenceNumber?.toNumber() ?? 0, deliveryCount ?? 0);
    if (sequenceNumber !== undefined) subjects.numbers.set(id, sequenceNumber);
  }
  await settleAll(receiver, messages, subjects);
}

/** Asks for one of the deferred orders by its number, and settles it: nobody else asks for these. */
async function takeDeferred(receiver: ServiceBusReceiver, subjects: Subjects): Promise<void> {
  const { orders, random, numbers } = subjects;
  const id = random.pick(orders.deferred());
  const number = id === undefined ? undefined : numbers.get(id);
  if (id === undefined || number === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return;
  }
  // The confirmation may come while the question is on its way.
  const confirmed = orders.isDeferred(id);
  const messages = await receiver.receiveDeferredMessages(number).catch((error: unknown) => {
    if ((error as { code?: string }).code !== 'MessageNotFound') throw error;
    orders.notFound(id, confirmed);
    return [];
  });
  for (const message of messages) {
    orders.delivered(id, number.toNumber(), message.deliveryCount ?? 0, 'deferred');
    // Abandoned, it stays deferred.
    await settle(receiver, message, random.chance(0.7) ? 'complete' : 'abandon', orders);
  }
}

async function takeJobs(receiver: ServiceBusReceiver, { jobs }: Subjects): Promise<void> {
  for (const { subject, sequenceNumber } of await receiver.receiveMessages(LARGEST_BATCH, RECEIVE)) {
    jobs.taken(String(subject), sequenceNumber?.toNumber() ?? 0);
  }
}

async function sendEvents(producer: EventHubProducerClient, subjects: Subjects, partition: LogLedger): Promise<void> {
  const numbers = Array.from({ length: 1 + subjects.random.below(LARGEST_BATCH) }, () => subjects.next++);
  const { partitionId } = partition;
  await producer.sendBatch(
    numbers.map((body) => ({ body })),
    { partitionId },
  );
  partition.accepted(numbers);
}

export interface Load {
  /** Lets go of the broker, which is gone. */
  close(): void;
  /** What clients were refused before; takes as long as they wait for answers. */
  readonly stopped: Promise<readonly string[]>;
}

/** Loads the broker until it is killed. */
export function startClients(round: Round, subjects: Subjects): Load {
  const { connectionString } = round;
  const errors: string[] = [];
  const bus = new ServiceBusClient(connectionString, { retryOptions });
  const producer = new EventHubProducerClient(connectionString, HUB, { retryOptions });
  const orders = bus.createSender(ORDERS);
  const jobs = bus.createSender(JOBS);
  const deferred = bus.createReceiver(ORDERS);
  const receivers = [bus.createReceiver(ORDERS), bus.createReceiver(ORDERS)];
  const taker = bus.createReceiver(JOBS, { receiveMode: 'receiveAndDelete' });
  const workers = [
    repeat(round, errors, () => sendOrders(orders, subjects)),
    repeat(round, errors, () => sendJobs(jobs, subjects)),
    ...receivers.map((receiver) => repeat(round, errors, () => receiveOrders(receiver, subjects))),
    repeat(round, errors, () => takeDeferred(deferred, subjects)),
    repeat(round, errors, () => takeJobs(taker, subjects)),
    ...subjects.partitions.map((partition) => repeat(round, errors, () => sendEvents(producer, subjects, partition))),
  ];
  const ignore = () => {};
  return {
    close() {
      void bus.close().catch(ignore);
      void producer.close().catch(ignore);
    },
    stopped: Promise.all(workers).then(() => errors),
  };
}
