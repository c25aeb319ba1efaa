import { ServiceBusClient } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerStatus } from '../../src/broker/index.js';
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

/** What there is, told without using it: a receiver or sender that asks before the broker has looked keeps it alive. */
const status = async () => (await (await fetch(`http://127.0.0.1:${broker.port}/status`)).json()) as BrokerStatus;

describe('AutoDeleteOnIdle, through the official client', () => {
  it('spares a queue that somebody receives from, and removes it when they have been gone for its time', async () => {
    const receiver = client.createReceiver('temporary');
    const toTopic = client.createSender('t');
    await toTopic.sendMessages({ body: 'nobody receives it' });
    expect(await receiver.peekMessages(1)).toEqual([]);
    expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 1 })).toEqual([]);
    const gone = { code: 'MessagingEntityNotFound' };
    clock.advance(7 * MINUTE_MS);
    await waitFor('the subscription to go', async () => (await status()).topics[0]?.subscriptions.length === 0);
    await expect(client.createReceiver('t', 's').receiveMessages(1)).rejects.toMatchObject(gone);
    await client.createSender('temporary').sendMessages({ body: 'still there' });
    expect(await receiver.receiveMessages(1)).toHaveLength(1);
    await client.close();
    client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
    await waitFor('the queue to go', async () => {
      // Again: the broker may not know yet that the receiver is gone.
      clock.advance(6 * MINUTE_MS);
      return (await status()).queues.length === 0;
    });
    await expect(client.createSender('temporary').sendMessages({ body: 'too late' })).rejects.toMatchObject(gone);
  });
});
