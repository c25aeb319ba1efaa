import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNothing, openService, receive, receiveOne, type Service } from './support/service.js';

describe('sessions', () => {
  let service: Service;
  let queue: string;
  beforeAll(async () => {
    service = await openService();
    queue = await service.queue({ requiresSession: true });
  });
  afterAll(() => service.close());

  const send = (...messages: [sessionId: string, body: unknown][]) =>
    service.client.createSender(queue).sendMessages(messages.map(([sessionId, body]) => ({ sessionId, body })));
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

  it('refuses a message without a session, and a receiver that asks for none', async () => {
    await expect(service.client.createSender(queue).sendMessages({ body: 1 })).rejects.toThrow('SessionId');
    await expect(service.client.createReceiver(queue).receiveMessages(1)).rejects.toThrow();
  });
});
