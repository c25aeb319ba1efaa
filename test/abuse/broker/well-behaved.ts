import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import { delay, systemClock } from '../../../src/shared/clock.js';
import { waitFor } from '../../helpers/wait.js';

/** A second try would hide what went wrong. */
const retryOptions = { maxRetries: 0 };
const PAUSE_MS = 20;
const BATCH = 10;
const PARTITIONS = ['0', '1'] as const;

interface Noticed {
  readonly sent: number;
  readonly events: number;
  /** What a client that behaves well saw and should not have. */
  readonly troubles: readonly string[];
  /** How long sends took, in milliseconds, in the order of their lengths. */
  readonly sendMs: readonly number[];
}

export interface WellBehaved {
  /** Stops sending, takes what is left, and closes everything. */
  finish(): Promise<Noticed>;
}

/** Clients of the official SDKs that send, receive and settle, and hold the broker to every promise. */
export function startWellBehaved(connectionString: string): WellBehaved {
  const bus = new ServiceBusClient(connectionString, { retryOptions });
  const producer = new EventHubProducerClient(connectionString, 'events', { retryOptions });
  const consumer = new EventHubConsumerClient('$Default', connectionString, 'events', { retryOptions });
  const troubles: string[] = [];
  const sendMs: number[] = [];
  const unseen = new Map<string, number>();
  const expectedEvents = PARTITIONS.map((): number[] => []);
  const seenEvents = PARTITIONS.map((): number[] => []);
  let next = 0;
  let sent = 0;
  let over = false;

  async function repeat(what: string, isOver: () => boolean, turn: () => Promise<void>): Promise<void> {
    while (!isOver()) {
      try {
        await turn();
      } catch (error) {
        troubles.push(`${what}: ${String(error)}`);
        await delay(systemClock, 500);
      }
    }
  }

  async function timed(work: Promise<void>): Promise<void> {
    const startMs = performance.now();
    await work;
    sendMs.push(performance.now() - startMs);
  }

  const sender = bus.createSender('orders');
  async function sendOrders(): Promise<void> {
    const ids = Array.from({ length: BATCH }, () => `order-${next++}`);
    for (const id of ids) unseen.set(id, 0);
    await timed(sender.sendMessages(ids.map((messageId) => ({ messageId, body: messageId }))));
    sent += ids.length;
    await delay(systemClock, PAUSE_MS);
  }

  const receiver = bus.createReceiver('orders');
  async function receiveOrders(): Promise<void> {
    const messages = await receiver.receiveMessages(50, { maxWaitTimeInMs: 500 });
    for (const { messageId, deliveryCount } of messages) {
      if (!unseen.delete(String(messageId))) troubles.push(`${messageId} was received twice`);
      if (deliveryCount !== 0) troubles.push(`${messageId} was delivered ${deliveryCount} times before`);
    }
    await Promise.all(messages.map((message) => receiver.completeMessage(message)));
  }

  async function sendEvents(index: number): Promise<void> {
    const numbers = Array.from({ length: BATCH }, () => next++);
    const partitionId = PARTITIONS[index] as string;
    expectedEvents[index]?.push(...numbers);
    await timed(
      producer.sendBatch(
        numbers.map((body) => ({ body })),
        { partitionId },
      ),
    );
    await delay(systemClock, PAUSE_MS);
  }

  const subscription = consumer.subscribe(
    {
      processEvents: async (events, { partitionId }) => {
        seenEvents[Number(partitionId)]?.push(...events.map(({ body }) => body as number));
      },
      processError: async (error) => void troubles.push(`events: ${String(error)}`),
    },
    { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 },
  );

  const isOver = () => over;
  const isDone = () => over && unseen.size === 0;
  const workers = [
    repeat('send', isOver, sendOrders),
    ...PARTITIONS.map((_, index) => repeat('send events', isOver, () => sendEvents(index))),
  ];
  let givenUp = false;
  const receiving = repeat('receive', () => isDone() || givenUp, receiveOrders);

  return {
    async finish() {
      over = true;
      await Promise.all(workers);
      await waitFor('the last order', () => unseen.size === 0).catch(() => {
        troubles.push(`${unseen.size} orders were accepted and never came`);
      });
      givenUp = true;
      await receiving;
      for (const [index, expected] of expectedEvents.entries()) {
        const seen = seenEvents[index] as number[];
        await waitFor('the last event', () => seen.length >= expected.length).catch(() => {});
        if (seen.join() !== expected.join()) {
          troubles.push(
            `partition ${index}: ${seen.length} events came, in another order or number than ${expected.length}`,
          );
        }
      }
      await subscription.close();
      await Promise.all([consumer.close(), producer.close(), bus.close()]);
      const events = expectedEvents.reduce((sum, { length }) => sum + length, 0);
      return { sent, events, troubles, sendMs: sendMs.sort((a, b) => a - b) };
    },
  };
}
