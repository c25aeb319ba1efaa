import fc from 'fast-check';
import rhea from 'rhea';
import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/broker/errors.js';
import { identified, parseIncoming } from '../../../src/broker/message/index.js';
import { splitBatch } from '../../../src/broker/message/scan.js';
import { decode, encode, message } from './messages.js';

const parsed = (fields: Record<string, unknown>) => parseIncoming(encode(fields));

describe('reading a message that a client sent', () => {
  it('finds what the broker decides by, in every message that rhea encodes', () => {
    fc.assert(
      fc.property(message, (fields) => {
        const { messageId, sessionId, durable, priority, ttlMs, filterable } = parsed(fields);
        expect(messageId).toBe(fields.message_id);
        expect(sessionId).toBe(fields.group_id);
        expect(durable).toBe(fields.durable ?? false);
        expect(priority).toBe(fields.priority ?? 4);
        expect(ttlMs).toBe(fields.ttl);
        expect(filterable.system('To')).toBe(fields.to ?? null);
        expect(filterable.system('Subject')).toBe(fields.subject ?? null);
        expect(filterable.system('ContentType')).toBe(fields.content_type ?? null);
      }),
    );
  });

  it('leaves properties, application properties and body byte for byte', () => {
    fc.assert(
      fc.property(message, (fields) => {
        const whole = decode(encode(fields));
        const { bare } = parsed(fields);
        const { durable, priority, ttl, first_acquirer, delivery_count, message_annotations, ...rest } = whole;
        void [durable, priority, ttl, first_acquirer, delivery_count, message_annotations];
        expect({ ...decode(bare) }).toEqual({ ...rest });
      }),
    );
  });

  it('gives an id to a message without one, and leaves all others and everything else as they are', () => {
    fc.assert(
      fc.property(message, (fields) => {
        const given = parsed(fields);
        const found = identified(given, () => 'made');
        if (fields.message_id !== undefined) expect(found).toBe(given);
        else {
          expect(found.messageId).toBe('made');
          expect(found.filterable.system('MessageId')).toBe('made');
          expect({ ...decode(found.bare) }).toEqual({ ...decode(given.bare), message_id: 'made' });
        }
      }),
    );
    const binary = parseIncoming(encode({ message_id: rhea.types.wrap_binary(Buffer.of(1)), body: 'b' }));
    expect(identified(binary, () => 'made')).toBe(binary);
  });

  it('shows application properties to filters with their types', () => {
    const { filterable } = parsed({
      application_properties: {
        Name: 'x',
        whole: 7,
        negative: -7,
        large: rhea.types.wrap_long(2 ** 40),
        real: 0.5,
        yes: true,
        at: new Date(5),
        none: null,
      },
      body: 'b',
    });
    expect(filterable.property('name')).toBe('x');
    expect(filterable.property('WHOLE')).toBe(7n);
    expect(filterable.property('negative')).toBe(-7n);
    expect(filterable.property('large')).toBe(2n ** 40n);
    expect(filterable.property('real')).toBe(0.5);
    expect(filterable.property('yes')).toBe(true);
    expect(filterable.property('at')).toEqual(new Date(5));
    expect(filterable.property('none')).toBe(null);
    expect(filterable.property('absent')).toBe(undefined);
  });

  it('drops annotations that only the broker may set, and keeps the others', () => {
    const { annotations, partitionKey } = parsed({
      message_annotations: { 'x-opt-sequence-number': 5, 'x-opt-partition-key': 'visitor', mine: 1 },
      body: 'b',
    });
    expect(annotations).toHaveLength(2);
    expect(partitionKey).toBe('visitor');
  });

  it('splits a batch into the messages that were put in', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), (fields) => {
        const encoded = fields.map(encode);
        const batch = encode({ body: rhea.message.data_sections(encoded as never) });
        expect(splitBatch(batch).map((one) => one.toString('hex'))).toEqual(encoded.map((one) => one.toString('hex')));
      }),
    );
  });

  it('answers any bytes with a message or a typed error, and never reads beyond them', () => {
    const attempt = (bytes: Buffer) => {
      try {
        const { bare, filterable } = parseIncoming(bytes);
        expect(bare.length).toBeLessThanOrEqual(bytes.length);
        filterable.property('x');
      } catch (error) {
        expect(error).toBeInstanceOf(BrokerError);
        expect((error as BrokerError).code).toBe('PS_BROKER_MESSAGE_MALFORMED');
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => attempt(Buffer.from(bytes))));
    const damaged = fc.tuple(message, fc.nat(), fc.nat({ max: 255 }), fc.nat());
    fc.assert(
      fc.property(damaged, ([fields, at, value, cut]) => {
        const bytes = encode(fields);
        attempt(bytes.subarray(0, cut % (bytes.length + 1)));
        bytes[at % bytes.length] = value;
        attempt(bytes);
      }),
      { numRuns: 500 },
    );
  });
});
