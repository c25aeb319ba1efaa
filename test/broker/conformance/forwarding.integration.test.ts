import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../helpers/wait.js';
import { openService, receiveOne, type Service } from './support/service.js';

describe('auto-forwarding', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService();
  });
  afterAll(() => service.close());

  it('takes what comes to a queue on to the one that it names, and lets nobody receive from the first', async () => {
    const target = await service.queue();
    const source = await service.queue({ forwardTo: target });
    await service.client.createSender(source).sendMessages({ body: 1, messageId: 'm', subject: 's' });
    const receiver = service.client.createReceiver(target);
    expect(await receiveOne(receiver)).toMatchObject({ body: 1, messageId: 'm', subject: 's', deliveryCount: 0 });
    const refused = service.client.createReceiver(source).receiveMessages(1);
    await expect(refused).rejects.toThrow('auto-forwarding');
  });

  it('gathers what subscriptions get in one queue', async () => {
    const target = await service.queue();
    const topic = await service.topic();
    await service.subscription(topic, 'gathered', { forwardTo: target });
    await service.client.createSender(topic).sendMessages({ body: 2 });
    expect((await receiveOne(service.client.createReceiver(target))).body).toBe(2);
  });

  it('takes dead letters on to the queue that is named for them', async () => {
    const graveyard = await service.queue();
    const queue = await service.queue({ forwardDeadLetteredMessagesTo: graveyard });
    await service.client.createSender(queue).sendMessages({ body: 'bad' });
    const receiver = service.client.createReceiver(queue);
    const why = { deadLetterReason: 'r', deadLetterErrorDescription: 'd' };
    await receiver.deadLetterMessage(await receiveOne(receiver), why);
    expect(await receiveOne(service.client.createReceiver(graveyard))).toMatchObject({
      body: 'bad',
      deadLetterSource: queue,
      ...why,
    });
  });

  it('gives up after too many hops, and keeps the message in a transfer dead-letter queue', async () => {
    const chain = [await service.queue()];
    for (let hop = 0; hop < 6; hop++) chain.unshift(await service.queue({ forwardTo: chain[0] }));
    await service.client.createSender(chain[0] as string).sendMessages({ body: 'lost' });
    const found = await waitFor('the message', async () => {
      for (const name of chain) {
        const receiver = service.client.createReceiver(name, { subQueueType: 'transferDeadLetter' });
        const [message] = await receiver.peekMessages(1);
        await receiver.close();
        if (message !== undefined) return message;
      }
      return undefined;
    });
    expect(found).toMatchObject({ body: 'lost', deadLetterReason: 'MaxTransferHopCountExceeded' });
    expect(await service.client.createReceiver(chain.at(-1) as string).peekMessages(1)).toEqual([]);
  });

  it('finds duplicates where the message arrives', async () => {
    const target = await service.queue({ requiresDuplicateDetection: true });
    const source = await service.queue({ forwardTo: target });
    const sender = service.client.createSender(source);
    for (const body of [1, 2]) await sender.sendMessages({ body, messageId: 'same' });
    await sender.sendMessages({ body: 3, messageId: 'last' });
    const receiver = service.client.createReceiver(target, { receiveMode: 'receiveAndDelete' });
    expect([(await receiveOne(receiver)).body, (await receiveOne(receiver)).body]).toEqual([1, 3]);
  });
});
