import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNothing, openService, receive, receiveOne, type Service, sequenceOf } from './support/service.js';

describe('sending', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService();
  });
  afterAll(() => service.close());

  it('carries every property of a message', async () => {
    const queue = await service.queue();
    const sent = {
      body: { order: 1, lines: ['a', 'b'] },
      messageId: 'id-1',
      correlationId: 'correlation',
      contentType: 'application/json',
      subject: 'subject',
      to: 'somewhere',
      replyTo: 'here',
      replyToSessionId: 'reply-session',
      partitionKey: 'partition',
      timeToLive: 3_600_000,
      applicationProperties: {
        text: 'ä',
        whole: 42,
        fraction: 1.5,
        yes: true,
        none: null,
      },
    };
    const before = Date.now();
    await service.client.createSender(queue).sendMessages(sent);
    const message = await receiveOne(service.client.createReceiver(queue));
    expect(message).toMatchObject({ ...sent, deliveryCount: 0, state: 'active' });
    expect(sequenceOf(message)).toBeGreaterThan(0);
    // The clock of a service is not ours.
    expect(Math.abs((message.enqueuedTimeUtc?.getTime() ?? 0) - before)).toBeLessThan(120_000);
    expect(message.expiresAtUtc?.getTime()).toBe((message.enqueuedTimeUtc?.getTime() ?? 0) + sent.timeToLive);
    expect(message.lockedUntilUtc?.getTime()).toBeGreaterThan(message.enqueuedTimeUtc?.getTime() ?? 0);
  });

  it('goes over WebSockets as it does over TCP, and so does receiving', async () => {
    const queue = await service.queue();
    const client = service.overWebSockets();
    await client.createSender(queue).sendMessages({ body: 'over a WebSocket', messageId: 'id-1' });
    const receiver = client.createReceiver(queue);
    const message = await receiveOne(receiver);
    expect(message).toMatchObject({ body: 'over a WebSocket', messageId: 'id-1' });
    await receiver.completeMessage(message);
    await expectNothing(service.client.createReceiver(queue));
    await client.close();
  });

  it('gives an id to a message that comes without one', async () => {
    const queue = await service.queue();
    await service.client.createSender(queue).sendMessages([{ body: 1 }, { body: 2 }]);
    const receiver = service.client.createReceiver(queue);
    const messages = await receive(receiver, 2);
    const ids = messages.map(({ messageId }) => messageId);
    expect(ids.every((id) => typeof id === 'string' && id.length > 0)).toBe(true);
    expect(new Set(ids).size).toBe(2);
    // The client settles by its id, among other things.
    for (const message of messages) await receiver.completeMessage(message);
  });

  it.each<[string, unknown]>([
    ['bytes', Buffer.from([0, 1, 2, 255])],
    ['text', 'grüße'],
    ['a number', 7.25],
    ['a list', [1, 'two', null]],
    ['nothing', null],
  ])('carries a body of %s as it is', async (_, body) => {
    const queue = await service.queue();
    await service.client.createSender(queue).sendMessages({ body });
    const message = await receiveOne(service.client.createReceiver(queue));
    expect(message.body).toEqual(body);
  });

  it('takes a list of messages as one send, in its order, with rising numbers', async () => {
    const queue = await service.queue();
    const bodies = Array.from({ length: 20 }, (_, index) => index);
    await service.client.createSender(queue).sendMessages(bodies.map((body) => ({ body })));
    const messages = await receive(service.client.createReceiver(queue), bodies.length);
    expect(messages.map(({ body }) => body)).toEqual(bodies);
    const numbers = messages.map(sequenceOf);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it('takes a batch up to the size that the link says, and the batch refuses more', async () => {
    const queue = await service.queue();
    const sender = service.client.createSender(queue);
    const batch = await sender.createMessageBatch();
    const body = Buffer.alloc(Math.floor(batch.maxSizeInBytes / 4) - 2000, 7);
    while (batch.tryAddMessage({ body }));
    expect(batch.count).toBe(4);
    expect(batch.sizeInBytes).toBeLessThanOrEqual(batch.maxSizeInBytes);
    await sender.sendMessages(batch);
    const messages = await receive(service.client.createReceiver(queue, { receiveMode: 'receiveAndDelete' }), 4);
    expect(messages.every((message) => body.equals(message.body as Buffer))).toBe(true);
  });

  it('refuses a message that is larger than the link allows, and takes the next', async () => {
    const queue = await service.queue();
    const sender = service.client.createSender(queue);
    const { maxSizeInBytes } = await sender.createMessageBatch();
    await expect(sender.sendMessages({ body: Buffer.alloc(maxSizeInBytes + 1) })).rejects.toMatchObject({
      code: 'MessageSizeExceeded',
    });
    await service.client.createSender(queue).sendMessages({ body: 'small' });
    expect((await receiveOne(service.client.createReceiver(queue))).body).toBe('small');
  });

  it('refuses an unknown entity and a wrong key with the codes of the service', async () => {
    const queue = await service.queue();
    await expect(service.client.createSender(`${queue}-not`).sendMessages({ body: 1 })).rejects.toMatchObject({
      code: 'MessagingEntityNotFound',
    });
    await expect(service.client.createReceiver(`${queue}-not`).receiveMessages(1)).rejects.toMatchObject({
      code: 'MessagingEntityNotFound',
    });
    const wrong = service.connectionString.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=d3Jvbmc=');
    const stranger = new ServiceBusClient(wrong, { retryOptions: { maxRetries: 0 } });
    await expect(stranger.createSender(queue).sendMessages({ body: 1 })).rejects.toMatchObject({
      code: 'UnauthorizedAccess',
    });
    await stranger.close();
  });

  it('drops a repeated message id within the window, in single sends, lists and batches', async () => {
    const queue = await service.queue({
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindow: 'PT10M',
    });
    const sender = service.client.createSender(queue);
    await sender.sendMessages({ body: 1, messageId: 'a' });
    await sender.sendMessages({ body: 2, messageId: 'a' });
    await sender.sendMessages([
      { body: 3, messageId: 'b' },
      { body: 4, messageId: 'a' },
      { body: 5, messageId: 'b' },
    ]);
    const batch = await sender.createMessageBatch();
    batch.tryAddMessage({ body: 6, messageId: 'b' });
    batch.tryAddMessage({ body: 7, messageId: 'c' });
    await sender.sendMessages(batch);
    await sender.sendMessages({ body: 8, messageId: 'last' });
    const receiver = service.client.createReceiver(queue, { receiveMode: 'receiveAndDelete' });
    expect((await receive(receiver, 4)).map(({ body }) => body)).toEqual([1, 3, 7, 8]);
  });
});
