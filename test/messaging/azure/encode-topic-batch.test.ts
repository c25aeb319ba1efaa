import fc from 'fast-check';
import { message as amqp } from 'rhea';
import { expect, test } from 'vitest';
import { EVENT_CONTENT_TYPE, type TopicMessage } from '../../../src/events/index.js';
import { createTopicEncoder } from '../../../src/messaging/azure/encode-topic-batch.js';

const text = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength });
const anyMessage: fc.Arbitrary<TopicMessage> = fc.record({
  body: text(400),
  messageId: text(128),
  applicationProperties: fc.dictionary(
    text(10).filter((name) => name !== '__proto__'),
    fc.oneof(text(100), fc.string({ maxLength: 100 }), fc.double({ noNaN: true }), fc.integer()),
    {
      noNullPrototype: true,
      maxKeys: 6,
    },
  ),
});

/** The head that the batch carries, and its messages, as any AMQP reader sees them. */
function decode(batch: Buffer) {
  const head = amqp.decode(batch);
  const messages = ([head.body.content].flat() as Buffer[]).map((section) => {
    const { body, message_id, application_properties, content_type } = amqp.decode(section);
    expect(content_type).toBe(EVENT_CONTENT_TYPE);
    return {
      body: String(body.content),
      messageId: String(message_id),
      applicationProperties: application_properties as TopicMessage['applicationProperties'],
    };
  });
  return { head, messages };
}

test('any AMQP reader finds the messages again, and in the head of the batch what the first says of itself', () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 8 }), (sent) => {
      const batch = createTopicEncoder(1_000_000)(sent);
      expect(batch.count).toBe(sent.length);
      const { head, messages } = decode(batch.message);
      expect(messages).toEqual(sent);
      expect(head.message_id).toBe(sent[0]?.messageId);
      expect(head.application_properties).toEqual(sent[0]?.applicationProperties);
    }),
  );
});

test('a batch holds as many messages from the front as fit, and never a byte too many', () => {
  fc.assert(
    fc.property(
      fc.array(anyMessage, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 64, max: 4_000 }),
      (sent, limit) => {
        const { count, message } = createTopicEncoder(limit)(sent);
        expect(message.length).toBeLessThanOrEqual(limit);
        if (count > 0) expect(decode(message).messages).toEqual(sent.slice(0, count));
        // What is left would not have fitted either, by the most that it can take.
        const next = sent[count];
        if (next !== undefined) {
          const characters = JSON.stringify(next).length + (count === 0 ? JSON.stringify(next).length : 0);
          expect(message.length + 3 * characters + 400).toBeGreaterThan(limit);
        }
      },
    ),
  );
});

test('whole numbers are doubles like all others, so that a filter meets one type', () => {
  const sent = [{ body: '{}', messageId: 'a', applicationProperties: { value: 60 } }];
  const { message } = createTopicEncoder(1_000)(sent);
  const double = Buffer.from([0x82, ...new Uint8Array(8)]);
  double.writeDoubleBE(60, 1);
  expect(message.includes(double)).toBe(true);
});

test('a message that is too large alone makes an empty batch', () => {
  const large = { body: 'x'.repeat(2_000), messageId: 'a', applicationProperties: {} };
  expect(createTopicEncoder(1_000)([large])).toMatchObject({ count: 0 });
  expect(createTopicEncoder(10)([{ ...large, body: '' }])).toMatchObject({ count: 0 });
});
