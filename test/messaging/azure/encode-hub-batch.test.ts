import fc from 'fast-check';
import { message } from 'rhea';
import { expect, test } from 'vitest';
import { encodeHubBatch } from '../../../src/messaging/azure/encode-hub-batch.js';

const CONTENT_TYPE = 'application/cloudevents-batch+json';

/** The events of a batch message, decoded. One data section is decoded to its content, several to a list of them. */
const eventsOf = (batch: Buffer) =>
  ([message.decode(batch).body.content].flat() as Buffer[]).map((event) =>
    JSON.parse(JSON.stringify(message.decode(event))),
  );

test('any AMQP reader finds in a batch what it finds in the batch that the SDK makes of the same events', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 600 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(bodies, (arrays) => {
      const buffers = arrays.map((array) => Buffer.from(array));
      // As transformEventsForSend of @azure/event-hubs does.
      const events = buffers.map((body) =>
        message.encode({ body: message.data_section(body), content_type: CONTENT_TYPE }),
      );
      const ofTheSdk = message.encode({ body: message.data_sections(events) });
      expect(eventsOf(encodeHubBatch(buffers, CONTENT_TYPE))).toEqual(eventsOf(ofTheSdk));
    }),
  );
});
