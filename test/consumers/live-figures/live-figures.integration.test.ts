import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadTopology } from '../../../src/broker/topology/index.js';
import { runConsumer } from '../../../src/consumers/index.js';
import { createLiveFigures } from '../../../src/consumers/live-figures/live-figures.js';
import {
  createHubPublisher,
  createHubReader,
  createSubscriptionReceiver,
  createTopicPublisher,
  type ReceivedMessage,
} from '../../../src/messaging/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import { createLogger } from '../../../src/shared/logger.js';
import { partitionForKey } from '../../../src/shared/partition-hash.js';
import { startTestBroker, type TestBroker, testTopology } from '../../helpers/broker.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { waitFor } from '../../helpers/wait.js';

let broker: TestBroker;
beforeEach(async () => {
  broker = await startTestBroker({ ...testTopology, topics: loadTopology().topics });
});
afterEach(() => broker.remove());

const logger = createLogger('test', 'silent');

const purchase = (transactionId: string, anonymousId: string) => ({
  specversion: '1.0',
  id: `event-${transactionId}`,
  source: 'shop',
  type: 'purchase',
  time: '2026-01-01T00:00:00.000Z',
  data: {
    anonymousId,
    properties: { transaction_id: transactionId, value: 5, currency: 'EUR' },
    context: {},
    receivedAt: '2026-01-01T00:00:00.000Z',
  },
});

const message = (body: unknown, fields: Partial<ReceivedMessage> = {}): ReceivedMessage => ({
  messageId: 'purchase:T1',
  sequenceNumber: '1',
  enqueuedAtMs: 0,
  deliveryCount: 0,
  lockedUntilMs: 0,
  body: Buffer.from(JSON.stringify(body)),
  applicationProperties: {},
  ...fields,
});

async function eventsOfHub(): Promise<{ partition: number; event: { id: string; messageid: string } }[]> {
  const reader = await createHubReader(
    { connectionString: broker.connectionString },
    { hub: 'clicks', consumerGroup: 'replay' },
  );
  try {
    const found = [];
    for (const { partitionId, empty, lastSequenceNumber } of await reader.partitions()) {
      if (empty) continue;
      for await (const batch of reader.read(partitionId, 0)) {
        for (const { body } of batch) {
          for (const event of JSON.parse(Buffer.from(body).toString())) found.push({ partition: +partitionId, event });
        }
        if ((batch.at(-1)?.sequenceNumber ?? -1) >= lastSequenceNumber) break;
      }
    }
    return found;
  } finally {
    await reader.close();
  }
}

test('a purchase on the topic comes to the hub, in the partition of its visitor, with its message id', async () => {
  const access = { connectionString: broker.connectionString };
  const topic = createTopicPublisher(access, 'events', { timeoutMs: 20_000 });
  const receiver = await createSubscriptionReceiver(
    access,
    { topic: 'events', subscription: 'live-figures', concurrency: 4 },
    () => {},
  );
  const hub = createHubPublisher(access, 'clicks', { timeoutMs: 20_000 });
  const consumer = await runConsumer(
    receiver,
    createLiveFigures({ clock: systemClock, random: Math.random, logger, hub }),
  );
  const messages = ['T1', 'T2', 'T3', 'T1'].map((transaction, index) => ({
    body: JSON.stringify(purchase(transaction, `visitor-${index % 3}`)),
    messageId: `purchase:${transaction}`,
    applicationProperties: { type: 'purchase' },
  }));
  const other = { body: '{}', messageId: 'other', applicationProperties: { type: 'churn_scored' } };
  await topic.send([...messages, other]);
  const events = await waitFor('the purchases in the hub', async () => {
    const found = await eventsOfHub();
    return found.length >= 3 ? found : undefined;
  });
  expect(events.map(({ partition, event }) => [event.messageid, event.id, partition]).sort()).toEqual(
    ['T1', 'T2', 'T3'].map((transaction, index) => [
      `purchase:${transaction}`,
      `event-${transaction}`,
      partitionForKey(`visitor-${index}`, 4),
    ]),
  );
  await consumer.stop();
  await topic.close();
});

test('what is no event is dead-lettered; while the hub is away a message is given back', async () => {
  let away = true;
  let sent = 0;
  const consumer = createLiveFigures({
    clock: systemClock,
    random: Math.random,
    logger,
    hub: {
      async describe() {
        if (away) throw new Error('away');
        return { partitionCount: 4, maxBatchBytes: 1_000_000 };
      },
      async send() {
        sent++;
      },
      async close() {},
    },
  });
  expect(await consumer.handle(message({ id: 'no event' }))).toMatchObject({
    outcome: 'dead-letter',
    reason: 'NoEvent',
  });
  // Its lock is over, so that it is given back at once.
  expect(await consumer.handle(message(purchase('T1', 'v')))).toEqual({ outcome: 'abandon' });
  away = false;
  expect(await consumer.handle(message(purchase('T1', 'v')))).toEqual({ outcome: 'complete' });
  expect(sent).toBe(1);
});

test('a hub that was made anew with fewer partitions is asked how many it has, and gets what it refused', async () => {
  let partitionCount = 4;
  const sentTo: number[] = [];
  const consumer = createLiveFigures({
    clock: systemClock,
    random: Math.random,
    logger,
    hub: {
      describe: async () => ({ partitionCount, maxBatchBytes: 1_000_000 }),
      async send(partition) {
        if (partition >= partitionCount) throw new Error('no such partition');
        sentTo.push(partition);
      },
      async close() {},
    },
  });
  const visitor = ['a', 'b', 'c', 'd', 'e', 'f'].find((name) => partitionForKey(name, 4) > 0) ?? '';
  expect(await consumer.handle(message(purchase('T1', visitor)))).toEqual({ outcome: 'complete' });
  partitionCount = 1;
  expect(await consumer.handle(message(purchase('T2', visitor)))).toEqual({ outcome: 'abandon' });
  expect(await consumer.handle(message(purchase('T2', visitor)))).toEqual({ outcome: 'complete' });
  expect(sentTo).toEqual([partitionForKey(visitor, 4), 0]);
});

test('partitions that are added to the hub are known within a minute, though every send succeeds', async () => {
  const clock = createManualClock();
  let partitionCount = 1;
  let asked = 0;
  const sentTo: number[] = [];
  const consumer = createLiveFigures({
    clock,
    random: Math.random,
    logger,
    hub: {
      async describe() {
        asked++;
        return { partitionCount, maxBatchBytes: 1_000_000 };
      },
      send: async (partition) => void sentTo.push(partition),
      async close() {},
    },
  });
  const visitor = ['a', 'b', 'c', 'd', 'e', 'f'].find((name) => partitionForKey(name, 8) > 0) ?? '';
  const buy = (id: string) => consumer.handle(message(purchase(id, visitor)));
  await Promise.all([buy('T1'), buy('T2')]);
  partitionCount = 8;
  expect(asked).toBe(1);
  clock.advance(60_000);
  await buy('T3');
  expect(sentTo).toEqual([0, 0, partitionForKey(visitor, 8)]);
});
