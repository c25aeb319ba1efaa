import { ServiceBusClient } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/shared/clock.js';
import { queue, startTestBroker, subscription, type TestBroker, topic } from '../helpers/broker.js';
import { createManualClock, type ManualClock } from '../helpers/manual-clock.js';
import { waitFor } from '../helpers/wait.js';

const MINUTE_MS = 60_000;
const FIVE = { autoDeleteOnIdleMs: 5 * MINUTE_MS };

let broker: TestBroker;
let client: ServiceBusClient;
let clock: ManualClock;
beforeEach(async () => {
  clock = createManualClock(systemClock.now());
  const topology = {
    queues: [queue('temporary', FIVE)],
    topics: [topic('t', { subscriptions: [subscription('s', FIVE)] })],
    hubs: [],
  };
  broker = await startTestBroker(topology, { clock });
  client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
});
afterEach(async () => {
  await client.close();
  await broker.remove();
});

describe('AutoDeleteOnIdle, through the official client', () => {
  it('spares a queue that somebody receives from, and removes it when they have been gone for its time', async () => {
    const receiver = client.createReceiver('temporary');
    const toTopic = client.createSender('t');
    await toTopic.sendMessages({ body: 'nobody receives it' });
    expect(await receiver.peekMessages(1)).toEqual([]);
    expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 1 })).toEqual([]);
    const gone = { code: 'MessagingEntityNotFound' };
    await waitFor('the subscription to go', async () => {
      clock.advance(7 * MINUTE_MS);
      // The broker looks while this is on its way. Who asks sooner is a receiver, who keeps the subscription alive.
      await toTopic.sendMessages({ body: 'nobody receives it' });
      const late = client.createReceiver('t', 's');
      try {
        await late.receiveMessages(1, { maxWaitTimeInMs: 1 });
        return false;
      } catch (error) {
        return (error as { code?: string }).code === gone.code;
      } finally {
        await late.close();
      }
    });
    await client.createSender('temporary').sendMessages({ body: 'still there' });
    expect(await receiver.receiveMessages(1)).toHaveLength(1);
    await client.close();
    client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
    await waitFor('the queue to go', async () => {
      clock.advance(6 * MINUTE_MS);
      const sender = client.createSender('temporary');
      try {
        await sender.sendMessages({ body: 'too late' });
        return false;
      } catch (error) {
        return (error as { code?: string }).code === gone.code;
      } finally {
        await sender.close();
      }
    });
  });
});
