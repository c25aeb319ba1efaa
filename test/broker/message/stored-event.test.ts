import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventEnqueuedAtMs, eventPayload, eventPayloadWithMetric } from '../../../src/broker/message/index.js';
import { decode, encode, message, recordOf } from './messages.js';

const fields = { sequence: 7, offset: '7', enqueuedAtMs: 1_700_000_000_123 };
const added = {
  'x-opt-sequence-number': 7,
  'x-opt-offset': '7',
  'x-opt-enqueued-time': new Date(fields.enqueuedAtMs),
};

describe('an event in a partition', () => {
  it('is stored as it will be delivered: as sent, with its number, offset and time', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const record = recordOf(encode(sent), fields);
        expect(eventEnqueuedAtMs(record)).toBe(fields.enqueuedAtMs);
        const original = decode(encode(sent));
        expect({ ...decode(eventPayload(record)) }).toEqual({
          ...original,
          message_annotations: { ...(original['message_annotations'] as object | undefined), ...added },
        });
      }),
    );
  });

  it('brings the state of its partition along when asked to', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const record = recordOf(encode(sent), fields);
        const metric = { lastSequence: 9, lastOffset: '9', lastEnqueuedAtMs: 5, nowMs: 6 };
        const delivered = decode(eventPayloadWithMetric(record, metric));
        const { delivery_annotations, ...rest } = delivered;
        expect(delivery_annotations).toEqual({
          last_enqueued_sequence_number: 9,
          last_enqueued_offset: '9',
          last_enqueued_time_utc: new Date(5),
          runtime_info_retrieval_time_utc: new Date(6),
        });
        expect(rest).toEqual({ ...decode(eventPayload(record)) });
      }),
    );
  });
});
