import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { describe, expect, it } from 'vitest';
import { useKillableBroker } from '../helpers/killable-broker.js';
import { waitFor } from '../helpers/wait.js';

const HOUR_MS = 3_600_000;
const inMs = (ms: number) => new Date(Date.now() + ms);

describe('a broker that is killed has afterwards', () => {
  const one = useKillableBroker();
  const { killAndStart, receiveOne } = one;

  it('every deferred message as it was deferred, also among dead letters', async () => {
    const sender = one.client.createSender('events');
    const receiver = one.client.createReceiver('events', 'audit');
    await sender.sendMessages(['aside', 'dead'].map((body) => ({ body, messageId: body })));
    const aside = await receiveOne(receiver);
    await receiver.deferMessage(aside, { step: 2 });
    await receiver.deadLetterMessage(await receiveOne(receiver), {
      deadLetterReason: 'bad',
      deadLetterErrorDescription: 'very',
    });
    const letters = one.client.createReceiver('events', 'audit', { subQueueType: 'deadLetter' });
    const letter = await receiveOne(letters);
    await letters.deferMessage(letter);
    await killAndStart();

    const again = one.client.createReceiver('events', 'audit');
    expect(await again.receiveMessages(1, { maxWaitTimeInMs: 300 })).toEqual([]);
    const [found] = await again.receiveDeferredMessages([aside.sequenceNumber as never]);
    expect(found).toMatchObject({ body: 'aside', deliveryCount: 1, applicationProperties: { step: 2 } });
    await again.completeMessage(found as ServiceBusReceivedMessage);
    const lettersAgain = one.client.createReceiver('events', 'audit', { subQueueType: 'deadLetter' });
    const [dead] = await lettersAgain.receiveDeferredMessages([letter.sequenceNumber as never]);
    expect(dead).toMatchObject({ body: 'dead', deadLetterReason: 'bad' });
    await lettersAgain.completeMessage(dead as ServiceBusReceivedMessage);

    await killAndStart();
    const last = one.client.createReceiver('events', 'audit');
    await expect(last.receiveDeferredMessages([aside.sequenceNumber as never])).rejects.toMatchObject({
      code: 'MessageNotFound',
    });
  });

  it('every scheduled message and none that was cancelled, and enqueues each once', async () => {
    const sender = one.client.createSender('events');
    const at = inMs(HOUR_MS);
    const [cancelled, kept] = await sender.scheduleMessages(
      ['cancelled', 'kept'].map((body) => ({ body, messageId: body })),
      at,
    );
    await sender.cancelScheduledMessages(cancelled as NonNullable<typeof cancelled>);
    await sender.scheduleMessages(
      ['one', 'two', 'three'].map((body) => ({ body, messageId: body })),
      inMs(200),
    );
    await killAndStart();

    const receiver = one.client.createReceiver('events', 'audit');
    for (const body of ['one', 'two', 'three']) {
      const message = await receiveOne(receiver);
      expect(message.body).toBe(body);
      await receiver.completeMessage(message);
    }
    const senderAgain = one.client.createSender('events');
    // The ids of scheduled messages are known to the detection of duplicates.
    await senderAgain.sendMessages({ body: 'again', messageId: 'kept' });
    await killAndStart();
    const after = one.client.createReceiver('events', 'audit');
    expect(await after.receiveMessages(1, { maxWaitTimeInMs: 300 })).toEqual([]);
    const last = one.client.createSender('events');
    await last.cancelScheduledMessages(kept as NonNullable<typeof kept>);
    await expect(last.cancelScheduledMessages(kept as NonNullable<typeof kept>)).rejects.toMatchObject({
      code: 'MessageNotFound',
    });
  });

  it('no message whose time to live ended meanwhile', async () => {
    await one.client.createSender('events').sendMessages([
      { body: 'short', messageId: 'short', timeToLive: 300 },
      { body: 'long', messageId: 'long', timeToLive: HOUR_MS },
    ]);
    await killAndStart();
    const receiver = one.client.createReceiver('events', 'audit');
    await waitFor('the end of one', async () => {
      const fresh = one.client.createReceiver('events', 'audit');
      const bodies = (await fresh.peekMessages(10)).map(({ body }) => body);
      await fresh.close();
      return bodies.length === 1 && bodies[0] === 'long';
    });
    const message = await receiveOne(receiver);
    expect(message.body).toBe('long');
    await receiver.completeMessage(message);
  });
});
