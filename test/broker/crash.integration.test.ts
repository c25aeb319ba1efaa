import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBrokerProcess } from '../helpers/broker-process.js';

/**
 * One attempt each, and all the time that a slow machine takes for it. What still waits for an answer of a broker that was
 * killed waits for a minute: nobody waits for that, and nothing that was accepted comes by then.
 */
const noRetries = { retryOptions: { maxRetries: 0 } };

/** Waits until clients have done enough; what fails before that is told at once. */
const untilLaden = (underLoad: Promise<void>, clients: readonly Promise<unknown>[]) =>
  Promise.race([underLoad, Promise.all(clients)]);

describe('a broker that is killed', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'penstock-crash-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  /** Everything in a partition, by sequence number. */
  async function readPartition(connectionString: string, partitionId: string): Promise<Map<number, unknown>> {
    const consumer = new EventHubConsumerClient('$Default', connectionString, 'clicks');
    const { lastEnqueuedSequenceNumber: last, isEmpty } = await consumer.getPartitionProperties(partitionId);
    const found = new Map<number, unknown>();
    if (!isEmpty) {
      await new Promise<void>((resolve, reject) => {
        const subscription = consumer.subscribe(
          partitionId,
          {
            processEvents: async (events) => {
              for (const { sequenceNumber, body } of events) found.set(sequenceNumber, body);
              if (found.has(last)) await subscription.close().then(resolve);
            },
            processError: async (error) => reject(error),
          },
          { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1, maxBatchSize: 500 },
        );
      });
    }
    await consumer.close();
    return found;
  }

  it('has every accepted event, without gaps, and numbers on from there', async () => {
    const accepted = new Map<string, Set<number>>();
    let broker = await startBrokerProcess(dataDir);
    for (let round = 0; round < 2; round++) {
      const producer = new EventHubProducerClient(broker.connectionString, 'clicks', noRetries);
      const first = await producer.createBatch({ partitionId: '0' });
      expect(first.tryAdd({ body: -1 - round })).toBe(true);
      await producer.sendBatch(first);
      let enough = () => {};
      const underLoad = new Promise<void>((resolve) => {
        enough = resolve;
      });
      const writers = ['0', '1', '2', '3'].map(async (partitionId) => {
        const mine = accepted.get(partitionId) ?? new Set();
        accepted.set(partitionId, mine);
        for (let number = round * 1_000_000; ; number += 10) {
          const batch = await producer.createBatch({ partitionId });
          for (let index = 0; index < 10; index++) batch.tryAdd({ body: number + index });
          await producer.sendBatch(batch);
          for (let index = 0; index < 10; index++) mine.add(number + index);
          if (mine.size > (round + 1) * 200) enough();
        }
      });
      await untilLaden(underLoad, writers);
      await broker.kill();
      void producer.close().catch(() => {});
      broker = await startBrokerProcess(dataDir);
    }
    for (const [partitionId, bodies] of accepted) {
      const found = await readPartition(broker.connectionString, partitionId);
      expect([...found.keys()]).toEqual(Array.from({ length: found.size }, (_, index) => index));
      const present = new Set(found.values());
      expect([...bodies].filter((body) => !present.has(body))).toEqual([]);
    }
    expect(await broker.stop()).toBe(0);
  });

  it('has every accepted message and none that was completed, and knows the ids it has seen', async () => {
    let broker = await startBrokerProcess(dataDir);
    let client = new ServiceBusClient(broker.connectionString, noRetries);
    const accepted: string[] = [];
    const completed: string[] = [];
    let lastSequence = 0;
    let enough = () => {};
    const underLoad = new Promise<void>((resolve) => {
      enough = resolve;
    });
    const sender = client.createSender('events');
    await sender.sendMessages({ body: 0, messageId: 'first' });
    accepted.push('first');
    const sending = (async () => {
      for (let batch = 0; ; batch++) {
        const ids = Array.from({ length: 20 }, (_, index) => `m${batch}-${index}`);
        await sender.sendMessages(ids.map((messageId) => ({ body: messageId, messageId })));
        accepted.push(...ids);
      }
    })();
    const receiver = client.createReceiver('events', 'audit');
    const receiving = (async () => {
      for (;;) {
        for (const message of await receiver.receiveMessages(20, { maxWaitTimeInMs: 500 })) {
          lastSequence = Math.max(lastSequence, message.sequenceNumber?.toNumber() ?? 0);
          await receiver.completeMessage(message);
          completed.push(String(message.messageId));
          if (completed.length >= 100) enough();
        }
      }
    })();
    await untilLaden(underLoad, [sending, receiving]);
    await broker.kill();
    void client.close().catch(() => {});
    broker = await startBrokerProcess(dataDir);

    client = new ServiceBusClient(broker.connectionString);
    const again = client.createSender('events');
    await again.sendMessages([
      { body: 'repeated', messageId: 'first' },
      { body: 'last', messageId: 'last' },
    ]);
    const remaining: { id: string; sequence: number }[] = [];
    const after = client.createReceiver('events', 'audit');
    while (remaining.at(-1)?.id !== 'last') {
      const messages = await after.receiveMessages(100, { maxWaitTimeInMs: 2000 });
      for (const { messageId, sequenceNumber } of messages) {
        remaining.push({ id: String(messageId), sequence: sequenceNumber?.toNumber() ?? 0 });
      }
      await Promise.all(messages.map((message) => after.completeMessage(message)));
    }
    const ids = remaining.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(completed.filter((id) => ids.includes(id))).toEqual([]);
    const there = new Set([...ids, ...completed]);
    expect(accepted.filter((id) => !there.has(id))).toEqual([]);
    expect(remaining.at(-1)?.sequence).toBeGreaterThan(lastSequence);
    await client.close();
    expect(await broker.stop()).toBe(0);
  });
});
