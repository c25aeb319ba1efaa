import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../helpers/wait.js';
import { expectNothing, openService, receive, receiveOne, type Service } from './support/service.js';

describe('receiving', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService();
  });
  afterAll(() => service.close());

  it('gives what is there when less is there than was asked for, and loses nothing that comes after', async () => {
    const queue = await service.queue();
    const sender = service.client.createSender(queue);
    const receiver = service.client.createReceiver(queue);
    for (let round = 0; round < 5; round++) {
      await sender.sendMessages({ body: round });
      // Each of these ends in a drain. What arrives while nobody asks must not be given to a link that is drained.
      const messages = await waitFor('the message of the round', async () => {
        const found = await receiver.receiveMessages(10, { maxWaitTimeInMs: 500 });
        return found.length > 0 && found;
      });
      expect(messages).toMatchObject([{ body: round, deliveryCount: 0 }]);
      for (const message of messages) await receiver.completeMessage(message);
    }
    await sender.sendMessages({ body: 'between' });
    expect(await receiveOne(receiver)).toMatchObject({ body: 'between', deliveryCount: 0 });
  });

  it('shares the messages of a queue between its receivers, each once', async () => {
    const queue = await service.queue();
    const bodies = Array.from({ length: 60 }, (_, index) => index);
    await service.client.createSender(queue).sendMessages(bodies.map((body) => ({ body })));
    const receivers = [1, 2, 3].map(() => service.client.createReceiver(queue));
    const taken = await Promise.all(
      receivers.map(async (receiver) => {
        const messages = await receive(receiver, 20);
        for (const message of messages) await receiver.completeMessage(message);
        return messages.map(({ body }) => body as number);
      }),
    );
    expect(taken.flat().sort((a, b) => a - b)).toEqual(bodies);
  });

  it('streams messages to a handler, and completes them when it returns', async () => {
    const queue = await service.queue();
    const sender = service.client.createSender(queue);
    const seen: unknown[] = [];
    const receiver = service.client.createReceiver(queue);
    const subscription = receiver.subscribe({
      processMessage: async ({ body }) => void seen.push(body),
      processError: async ({ error }) => {
        throw error;
      },
    });
    for (const body of [1, 2, 3]) await sender.sendMessages({ body });
    await waitFor('three messages', () => seen.length === 3);
    expect(seen).toEqual([1, 2, 3]);
    await waitFor('their completion', async () => (await receiver.peekMessages(1)).length === 0);
    await subscription.close();
  });

  it('gives a message again when its handler fails', async () => {
    const queue = await service.queue();
    await service.client.createSender(queue).sendMessages({ body: 1 });
    const counts: number[] = [];
    const receiver = service.client.createReceiver(queue);
    const subscription = receiver.subscribe({
      processMessage: async ({ deliveryCount }) => {
        counts.push(deliveryCount ?? -1);
        if (counts.length < 3) throw new Error('not yet');
      },
      processError: async () => {},
    });
    await waitFor('the third delivery', () => counts.length === 3);
    expect(counts).toEqual([0, 1, 2]);
    await subscription.close();
  });

  it('shows messages in order and from a number on, without taking them', async () => {
    const queue = await service.queue();
    await service.client.createSender(queue).sendMessages(['a', 'b', 'c'].map((body) => ({ body })));
    const receiver = service.client.createReceiver(queue);
    const peeked = await receiver.peekMessages(2);
    expect(peeked.map(({ body }) => body)).toEqual(['a', 'b']);
    // The next call goes on where this one ended.
    expect((await receiver.peekMessages(10)).map(({ body }) => body)).toEqual(['c']);
    type Long = NonNullable<(typeof peeked)[number]['sequenceNumber']>;
    const [first, second] = peeked.map(({ sequenceNumber }) => sequenceNumber as Long) as [Long, Long];
    const from = await receiver.peekMessages(10, { fromSequenceNumber: second });
    expect(from.map(({ body }) => body)).toEqual(['b', 'c']);
    const taken = await receive(receiver, 3);
    expect(taken.map(({ deliveryCount }) => deliveryCount)).toEqual([0, 0, 0]);
    // Locked ones are shown too.
    expect(await receiver.peekMessages(10, { fromSequenceNumber: first })).toHaveLength(3);
  });

  it('shows messages without their bodies to who does not want them', async () => {
    const [queue, withSessions] = [await service.queue(), await service.queue({ requiresSession: true })];
    const message = { body: 'long'.repeat(1_000), messageId: 'a', applicationProperties: { n: 1 } };
    await service.client
      .createSender(queue)
      .sendMessages([message, { ...message, messageId: 'b', body: Buffer.of(1) }]);
    await service.client.createSender(withSessions).sendMessages({ ...message, sessionId: 's' });
    const receiver = service.client.createReceiver(queue);
    const session = await service.client.acceptSession(withSessions, 's');
    // The SDK has it, and its types leave it out.
    const options = { omitMessageBody: true } as object;
    const shown = [...(await receiver.peekMessages(5, options)), ...(await session.peekMessages(5, options))];
    expect(shown.map(({ messageId, body }) => [messageId, body])).toEqual([
      ['a', undefined],
      ['b', undefined],
      ['a', undefined],
    ]);
    expect(shown.map(({ applicationProperties }) => applicationProperties?.['n'])).toEqual([1, 1, 1]);
    expect((await receiveOne(receiver)).body).toBe(message.body);
  });

  it('drops a message whose time to live is over', async () => {
    const queue = await service.queue();
    const sender = service.client.createSender(queue);
    await sender.sendMessages({ body: 'short', timeToLive: 1000 });
    const receiver = service.client.createReceiver(queue);
    const [peeked] = await receiver.peekMessages(1);
    await waitFor('the end of its time', () => Date.now() > (peeked?.expiresAtUtc?.getTime() ?? 0) + 500);
    await sender.sendMessages({ body: 'long' });
    expect((await receiveOne(receiver)).body).toBe('long');
    await expectNothing(receiver);
  });

  it('dead-letters a message whose time to live is over, where the queue says so', async () => {
    const queue = await service.queue({ deadLetteringOnMessageExpiration: true, defaultMessageTimeToLive: 'PT1S' });
    const sender = service.client.createSender(queue);
    // The default of the queue bounds what the message asks for.
    await sender.sendMessages({ body: 'old', timeToLive: 3_600_000 });
    const receiver = service.client.createReceiver(queue);
    const [peeked] = await receiver.peekMessages(1);
    await waitFor('the end of its time', () => Date.now() > (peeked?.expiresAtUtc?.getTime() ?? 0) + 500);
    await expectNothing(receiver);
    const dead = service.client.createReceiver(queue, { subQueueType: 'deadLetter' });
    expect(await receiveOne(dead)).toMatchObject({ body: 'old', deadLetterReason: 'TTLExpiredException' });
  });
});
