import { ServiceBusClient, type ServiceBusReceivedMessage, type ServiceBusSessionReceiver } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../helpers/wait.js';
import { expectNothing, openService, receive, receiveOne, type Service } from './support/service.js';

describe('sessions', () => {
  let service: Service;
  let queue: string;
  /** A message of a session whose lock is left to end while the other tests run. */
  let lapsing: ReturnType<typeof letLapse>;
  beforeAll(async () => {
    service = await openService();
    queue = await service.queue({ requiresSession: true });
    lapsing = letLapse();
    lapsing.catch(() => {});
  });
  afterAll(() => service.close());

  const send = (...messages: [sessionId: string, body: unknown][]) =>
    service.client.createSender(queue).sendMessages(messages.map(([sessionId, body]) => ({ sessionId, body })));
  async function letLapse() {
    // The shortest lock that the service allows.
    const shortly = await service.queue({ requiresSession: true, lockDuration: 'PT5S' });
    await service.client.createSender(shortly).sendMessages({ sessionId: 'lapsing', body: 1 });
    const receiver = await service.client.acceptSession(shortly, 'lapsing', { maxAutoLockRenewalDurationInMs: 0 });
    return { queue: shortly, receiver, message: await receiveOne(receiver) };
  }
  const bodies = (messages: readonly ServiceBusReceivedMessage[]) => messages.map(({ body }) => body as unknown);
  async function completeAll(receiver: ServiceBusSessionReceiver, count: number): Promise<unknown[]> {
    const messages = await receive(receiver, count);
    for (const message of messages) await receiver.completeMessage(message);
    return bodies(messages);
  }

  it('gives the messages of one session alone, in the order in which they were sent', async () => {
    await send(['order-a', 1], ['order-b', 10], ['order-a', 2], ['order-b', 20], ['order-a', 3]);
    const a = await service.client.acceptSession(queue, 'order-a');
    expect(a.sessionId).toBe('order-a');
    expect(await completeAll(a, 3)).toEqual([1, 2, 3]);
    await expectNothing(a);
    const b = await service.client.acceptSession(queue, 'order-b');
    expect(await completeAll(b, 2)).toEqual([10, 20]);
    await a.close();
    await b.close();
  });

  it('gives a session to one receiver at a time', async () => {
    const holder = await service.client.acceptSession(queue, 'held');
    await expect(service.client.acceptSession(queue, 'held')).rejects.toMatchObject({ code: 'SessionCannotBeLocked' });
    await holder.close();
    const next = await service.client.acceptSession(queue, 'held');
    await next.close();
  });

  it('waits for the next session that has messages', async () => {
    const waiting = service.client.acceptNextSession(queue);
    await send(['next', 1]);
    const receiver = await waiting;
    expect(receiver.sessionId).toBe('next');
    expect(await completeAll(receiver, 1)).toEqual([1]);
    await receiver.close();
  });

  it('keeps the state of a session from one receiver to the next', async () => {
    const first = await service.client.acceptSession(queue, 'stateful');
    expect(await first.getSessionState()).toBeNull();
    await first.setSessionState(Buffer.from('step 2'));
    await first.close();
    const second = await service.client.acceptSession(queue, 'stateful');
    expect(String(await second.getSessionState())).toBe('step 2');
    await second.setSessionState(null);
    expect(await second.getSessionState()).toBeNull();
    await second.close();
  });

  it('prolongs the lock of a session', async () => {
    const receiver = await service.client.acceptSession(queue, 'renewed');
    const before = receiver.sessionLockedUntilUtc.getTime();
    expect((await receiver.renewSessionLock()).getTime()).toBeGreaterThanOrEqual(before);
    await receiver.close();
  });

  it('gives an abandoned message again before the next one', async () => {
    await send(['abandoned', 1], ['abandoned', 2]);
    const receiver = await service.client.acceptSession(queue, 'abandoned');
    await receiver.abandonMessage(await receiveOne(receiver));
    const messages = await receive(receiver, 2);
    expect(messages.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
      [1, 1],
      [2, 0],
    ]);
    for (const message of messages) await receiver.completeMessage(message);
    await receiver.close();
  });

  it('says in time that there is no session with messages', async () => {
    const empty = await service.queue({ requiresSession: true });
    const retryOptions = { maxRetries: 0, timeoutInMs: 2000 };
    const impatient = new ServiceBusClient(service.connectionString, { retryOptions });
    await expect(impatient.acceptNextSession(empty)).rejects.toMatchObject({ code: 'ServiceTimeout' });
    await impatient.close();
  });

  it('sets a message of a session aside for the next holder too, and shows the messages of that session alone', async () => {
    await send(['aside', 1], ['aside', 2], ['beside', 3]);
    const first = await service.client.acceptSession(queue, 'aside');
    const message = await receiveOne(first);
    await first.deferMessage(message);
    const shown = await first.peekMessages(10);
    expect(shown.map(({ body, state }) => [body, state])).toEqual([
      [1, 'deferred'],
      [2, 'active'],
    ]);
    await first.close();
    const second = await service.client.acceptSession(queue, 'aside');
    const { sequenceNumber } = message;
    const [again] = await second.receiveDeferredMessages(sequenceNumber as NonNullable<typeof sequenceNumber>);
    expect(again).toMatchObject({ body: 1, sessionId: 'aside' });
    await second.completeMessage(again as ServiceBusReceivedMessage);
    expect(await completeAll(second, 1)).toEqual([2]);
    await second.close();
  });

  it('gives dead letters to a receiver that asks for no session', async () => {
    await send(['dying', 'dead']);
    const receiver = await service.client.acceptSession(queue, 'dying');
    await receiver.deadLetterMessage(await receiveOne(receiver), {
      deadLetterReason: 'r',
      deadLetterErrorDescription: 'd',
    });
    await receiver.close();
    const dead = service.client.createReceiver(queue, { subQueueType: 'deadLetter' });
    expect(await receiveOne(dead)).toMatchObject({ body: 'dead', sessionId: 'dying', deadLetterReason: 'r' });
  });

  it('streams the messages of a session to a handler, in their order', async () => {
    await send(['streamed', 1], ['streamed', 2], ['streamed', 3]);
    const receiver = await service.client.acceptSession(queue, 'streamed');
    const seen: unknown[] = [];
    receiver.subscribe({
      processMessage: async ({ body }) => void seen.push(body),
      processError: async ({ error }) => {
        throw error;
      },
    });
    await waitFor('three messages', () => seen.length === 3);
    expect(seen).toEqual([1, 2, 3]);
    await waitFor('their completion', async () => (await receiver.peekMessages(1)).length === 0);
    await receiver.close();
  });

  it('is lost when its lock ends: what was out is given to the next holder, and the late one is told', async () => {
    const { queue: shortly, receiver, message } = await lapsing;
    const next = await waitFor('the end of the lock', () =>
      service.client.acceptSession(shortly, 'lapsing').catch(() => undefined),
    );
    expect(await receiveOne(next)).toMatchObject({ body: 1, deliveryCount: 1 });
    await expect(receiver.completeMessage(message)).rejects.toMatchObject({ code: 'SessionLockLost' });
    await next.close();
  });

  it('refuses a message without a session, and a receiver that asks for none', async () => {
    await expect(service.client.createSender(queue).sendMessages({ body: 1 })).rejects.toThrow('SessionId');
    await expect(service.client.createReceiver(queue).receiveMessages(1)).rejects.toThrow();
  });
});
