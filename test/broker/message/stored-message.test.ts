import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeDelivery,
  encodeStored,
  parseIncoming,
  rewriteBare,
  storedBare,
  storedFields,
  withBare,
} from '../../../src/broker/message/index.js';
import { decode, encode, message } from './messages.js';

const fields = { enqueuedAtMs: 1_700_000_000_123, expiresAtMs: Number.POSITIVE_INFINITY, enqueuedSequence: 41 };

describe('a message on its way through the store', () => {
  it('is delivered with what was sent and what the broker adds', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const record = encodeStored(parseIncoming(encode(sent)), fields);
        expect(storedFields(record)).toEqual(fields);
        const delivered = decode(encodeDelivery(record, { sequence: 42, deliveryCount: 3, lockedUntilMs: 99 }));
        const original = decode(encode(sent));
        expect(delivered).toMatchObject({
          ...original,
          delivery_count: 3,
          priority: sent.priority ?? 4,
          message_annotations: {
            ...(original['message_annotations'] as object | undefined),
            'x-opt-sequence-number': 42,
            'x-opt-enqueue-sequence-number': 41,
            'x-opt-enqueued-time': new Date(fields.enqueuedAtMs),
            'x-opt-locked-until': new Date(99),
          },
        });
        expect(delivered['ttl']).toEqual(sent.ttl);
      }),
    );
  });

  it('is encoded once for all who keep it alike, and anew for who keeps it otherwise', () => {
    const sent = parseIncoming(encode({ body: 'x', ttl: 5000 }));
    const record = encodeStored(sent, fields);
    expect(encodeStored(sent, { ...fields })).toBe(record);
    for (const [name, value] of Object.entries({ enqueuedAtMs: 1, expiresAtMs: 2, enqueuedSequence: 3 })) {
      const other = encodeStored(sent, { ...fields, [name]: value });
      expect(storedFields(other)).toEqual({ ...fields, [name]: value });
      expect(storedFields(encodeStored(sent, fields))).toEqual(fields);
    }
    const ttlOf = (bytes: Buffer) => decode(encodeDelivery(bytes, { sequence: 1, deliveryCount: 0 }))['ttl'];
    expect(ttlOf(encodeStored(sent, fields, 7))).toBe(7);
    expect(ttlOf(encodeStored(sent, fields))).toBe(5000);
    const changed = { ...sent, bare: encode({ body: 'y' }) };
    expect(storedBare(encodeStored(changed, fields))).toEqual(changed.bare);
    expect(storedBare(encodeStored(sent, fields))).toEqual(sent.bare);
  });

  it('takes new application properties and keeps everything else', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const record = encodeStored(parseIncoming(encode(sent)), fields);
        const applicationProperties = new Map([
          ['DeadLetterReason', 'why'],
          ['absent', undefined],
        ]);
        const changed = withBare(record, rewriteBare(storedBare(record), { applicationProperties }), {
          expiresAtMs: 7,
        });
        expect(storedFields(changed)).toEqual({ ...fields, expiresAtMs: 7 });
        const before = decode(storedBare(record));
        const { absent, ...kept } = (before['application_properties'] ?? {}) as Record<string, unknown>;
        void absent;
        expect({ ...decode(storedBare(changed)) }).toEqual({
          ...before,
          application_properties: { ...kept, DeadLetterReason: 'why' },
        });
      }),
    );
  });

  it('changes a property by name whatever its case, and a system property in its place', () => {
    const bare = parseIncoming(encode({ subject: 'old', application_properties: { Type: 'a', b: 1 }, body: 'x' })).bare;
    const changed = rewriteBare(bare, {
      applicationProperties: new Map<string, string | undefined>([
        ['type', 'z'],
        ['B', undefined],
      ]),
      properties: new Map([
        [3, 'new'],
        [10, 'session'],
      ]),
    });
    expect(decode(changed)).toMatchObject({ subject: 'new', group_id: 'session', body: 'x' });
    expect(decode(changed)['application_properties']).toEqual({ type: 'z' });
  });
});
