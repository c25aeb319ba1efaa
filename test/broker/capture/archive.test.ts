import fc from 'fast-check';
import rhea from 'rhea';
import { describe, expect, it } from 'vitest';
import { archiveFile, formatEnqueuedTime } from '../../../src/broker/capture/archive.js';
import type { LogEvent } from '../../../src/broker/namespace/index.js';
import type { CaptureEncoding } from '../../../src/broker/topology/index.js';
import { encode, message, recordOf } from '../message/messages.js';
import { readAvro } from './avro-reader.js';

const AT_MS = Date.UTC(2016, 10, 16, 16, 44, 11);

const stored = (sequence: number, raw: Buffer): LogEvent => ({
  sequence,
  record: recordOf(raw, { sequence, offset: String(sequence), enqueuedAtMs: AT_MS }),
});

async function fileOf(events: readonly LogEvent[], encoding: CaptureEncoding = 'Avro', name = 'a'): Promise<Buffer> {
  async function* pages() {
    for (let at = 0; at < events.length; at += 7) yield events.slice(at, at + 7);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of archiveFile(name, encoding, pages())) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const eventOf = async (fields: Record<string, unknown>) =>
  (await readAvro(await fileOf([stored(0, encode(fields))]))).events[0];

describe('a capture file', () => {
  it('has the schema of the service and the codec that was asked for', async () => {
    const plain = await readAvro(await fileOf([]));
    expect(plain.codec).toBe('null');
    expect(plain.events).toEqual([]);
    expect(plain.schema).toEqual({
      type: 'record',
      name: 'EventData',
      namespace: 'Microsoft.ServiceBus.Messaging',
      fields: [
        { name: 'SequenceNumber', type: 'long' },
        { name: 'Offset', type: 'string' },
        { name: 'EnqueuedTimeUtc', type: 'string' },
        { name: 'SystemProperties', type: { type: 'map', values: ['long', 'double', 'string', 'bytes'] } },
        { name: 'Properties', type: { type: 'map', values: ['long', 'double', 'string', 'bytes', 'null'] } },
        { name: 'Body', type: ['null', 'bytes'] },
      ],
    });
    expect((await readAvro(await fileOf([], 'AvroDeflate'))).codec).toBe('deflate');
  });

  it('shows an event as the service does', async () => {
    const { types } = rhea;
    const body = rhea.message.data_section(Buffer.from('{"a":1}') as never);
    const event = await eventOf({
      body,
      message_id: 'id-1',
      content_type: 'application/json',
      message_annotations: { 'x-opt-partition-key': 'visitor-1', 'x-opt-sequence-number': types.wrap_long(99) },
      application_properties: {
        text: 'é',
        whole: types.wrap_int(-7),
        large: types.wrap_long(-(2 ** 40)),
        huge: types.wrap_ulong(Buffer.alloc(8, 0xff) as never),
        real: types.wrap_double(0.5),
        yes: true,
        at: types.wrap_timestamp(AT_MS),
        bytes: types.wrap_binary(Buffer.from([1, 2]) as never),
        nothing: null,
      },
    });
    expect(event).toEqual({
      SequenceNumber: 0,
      Offset: '0',
      EnqueuedTimeUtc: '11/16/2016 4:44:11 PM',
      SystemProperties: {
        'x-opt-partition-key': ['string', 'visitor-1'],
        'message-id': ['string', 'id-1'],
        'content-type': ['string', 'application/json'],
      },
      Properties: {
        text: ['string', 'é'],
        whole: ['long', -7],
        large: ['long', -(2 ** 40)],
        huge: ['string', '18446744073709551615'],
        real: ['double', 0.5],
        yes: ['string', 'true'],
        at: ['string', '2016-11-16T16:44:11.000Z'],
        bytes: ['bytes', Buffer.from([1, 2])],
        nothing: null,
      },
      Body: Buffer.from('{"a":1}'),
    });
  });

  it('holds the bytes of every kind of body', async () => {
    const bodyOf = async (body: unknown) => (await eventOf({ body }))?.Body;
    expect(await bodyOf(rhea.message.data_sections([Buffer.from('a'), Buffer.from('b')] as never))).toEqual(
      Buffer.from('ab'),
    );
    expect(await bodyOf('text')).toEqual(Buffer.from('text'));
    expect(await bodyOf(null)).toBeNull();
    expect(Buffer.isBuffer(await bodyOf({ a: 1 }))).toBe(true);
  });

  it('leaves out a section that its sender has broken, and nothing else', async () => {
    const raw = encode({
      body: rhea.message.data_section(Buffer.from('x') as never),
      application_properties: { a: 1 },
    });
    const at = raw.indexOf(Buffer.from([0x00, 0x53, 0x74]));
    // The count of the map no longer fits its size.
    raw[at + 11] = 0x7e;
    const [event] = (await readAvro(await fileOf([stored(0, raw)]))).events;
    expect(event).toMatchObject({ Properties: {}, Body: Buffer.from('x') });
  });

  it('is the same bytes whenever it is written, and other bytes under another name', async () => {
    const events = [0, 1, 2].map((sequence) => stored(sequence, encode({ body: `event ${sequence}` })));
    const first = await fileOf(events, 'AvroDeflate');
    expect(await fileOf(events, 'AvroDeflate')).toEqual(first);
    expect(await fileOf(events, 'AvroDeflate', 'b')).not.toEqual(first);
  });

  it('is cut into blocks, so that no reader and no writer needs all of it in memory', async () => {
    const body = rhea.message.data_section(Buffer.alloc(100_000, 7) as never);
    const events = Array.from({ length: 20 }, (_, sequence) => stored(sequence, encode({ body })));
    const chunks: number[] = [];
    async function* pages() {
      yield events;
    }
    for await (const chunk of archiveFile('a', 'Avro', pages())) chunks.push(chunk.length);
    expect(chunks.length).toBeGreaterThan(5);
    expect(Math.max(...chunks)).toBeLessThan(512 * 1024);
    expect((await readAvro(await fileOf(events))).events).toHaveLength(20);
  });

  it('gives back any events to a reader that knows only the schema', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 12 }),
        fc.constantFrom<CaptureEncoding>('Avro', 'AvroDeflate'),
        async (messages, encoding) => {
          const events = messages.map((one, index) => stored(index * 1000, encode(one)));
          const read = await readAvro(await fileOf(events, encoding));
          expect(read.events.map(({ SequenceNumber }) => SequenceNumber)).toEqual(
            events.map(({ sequence }) => sequence),
          );
          for (const [index, { Properties, SystemProperties }] of read.events.entries()) {
            const sent = messages[index] as (typeof messages)[number];
            expect(Object.keys(Properties).sort()).toEqual(Object.keys(sent.application_properties ?? {}).sort());
            expect(SystemProperties['correlation-id']).toEqual(
              sent.correlation_id === undefined ? undefined : ['string', sent.correlation_id],
            );
            for (const [key, value] of Object.entries(sent.application_properties ?? {})) {
              if (typeof value === 'string') expect(Properties[key]).toEqual(['string', value]);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the time of an event', () => {
  it('is written as .NET does', () => {
    expect(formatEnqueuedTime(Date.UTC(2023, 1, 6, 0, 5, 9))).toBe('2/6/2023 12:05:09 AM');
    expect(formatEnqueuedTime(Date.UTC(2023, 11, 31, 12, 0, 0))).toBe('12/31/2023 12:00:00 PM');
    expect(formatEnqueuedTime(Date.UTC(2023, 11, 31, 23, 59, 59, 999))).toBe('12/31/2023 11:59:59 PM');
  });
});
