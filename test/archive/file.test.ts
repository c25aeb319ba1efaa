import fc from 'fast-check';
import rhea from 'rhea';
import { expect, test } from 'vitest';
import type { ArchiveError } from '../../src/archive/errors.js';
import { readCaptureFile } from '../../src/archive/file.js';
import { archiveFile } from '../../src/broker/capture/archive.js';
import type { LogEvent } from '../../src/broker/namespace/index.js';
import type { CaptureEncoding } from '../../src/broker/topology/index.js';
import { encode, recordOf } from '../broker/message/messages.js';
import { captureFile, type FileEvent, filesIn, notTold, serviceSchema } from './capture-file.js';

const NAME = 'shop/clicks/0/2016/11/16/16/44/00.avro';
const codecs = ['null', 'deflate'] as const;

/** As the embedded broker writes it. */
async function brokerFile(events: readonly LogEvent[], encoding: CaptureEncoding): Promise<Buffer> {
  async function* pages() {
    yield events;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of archiveFile(NAME, encoding, pages())) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function read(file: Buffer, pieceBytes?: number, bounds: { readonly maxBlockBytes?: number } = {}) {
  const { blobs, open } = filesIn({ [NAME]: file }, pieceBytes);
  const problems: ArchiveError[] = [];
  const found: { sequenceNumber: number; body: string }[] = [];
  const onProblem = (problem: ArchiveError) => problems.push(problem);
  for await (const events of readCaptureFile({ blobs, onProblem, ...bounds }, NAME))
    for (const { sequenceNumber, body } of events) found.push({ sequenceNumber, body: body.toString() });
  expect(open()).toBe(0);
  return { found, problems, sequences: found.map(({ sequenceNumber }) => sequenceNumber) };
}

const some = (count: number): FileEvent[] => Array.from({ length: count }, (_, sequence) => ({ sequence }));
const numbers = (count: number) => Array.from({ length: count }, (_, sequence) => sequence);

test.each(codecs)('a file of the service is read whole, codec %s', async (codec) => {
  const events = [
    { sequence: 4, properties: { text: { string: 'é' }, real: { double: 0.5 }, raw: { bytes: Buffer.from([1]) } } },
    { sequence: 5, body: null },
    { sequence: 2 ** 40, time: '1/2/2026 12:00:00 AM', properties: { whole: { long: -(2 ** 40) } } },
  ];
  const { blobs } = filesIn({ [NAME]: await captureFile(events, { codec }) });
  const all = [];
  for await (const block of readCaptureFile({ blobs, onProblem: notTold }, NAME)) all.push(...block);
  const first = Date.UTC(2016, 10, 16, 16, 44, 11);
  expect(all).toEqual([
    { sequenceNumber: 4, offset: '400', enqueuedAtMs: first, body: Buffer.from('body 4') },
    { sequenceNumber: 5, offset: '500', enqueuedAtMs: first, body: Buffer.alloc(0) },
    {
      sequenceNumber: 2 ** 40,
      offset: String(2 ** 40 * 100),
      enqueuedAtMs: Date.UTC(2026, 0, 2),
      body: Buffer.from(`body ${2 ** 40}`),
    },
  ]);
});

test('a file of the embedded broker is read whole, whatever the properties of its events are', async () => {
  const enqueuedAtMs = Date.UTC(2026, 0, 1, 23, 59, 59, 999);
  // A number of 64 bits is nothing to who passes it over.
  const huge = rhea.types.wrap_long(2 ** 60);
  const fields = { body: 'text', application_properties: { nothing: null, yes: true, huge, part: 0.1 } };
  const events = numbers(300).map((sequence) => ({
    sequence,
    record: recordOf(encode(fields), { sequence, offset: `o${sequence}`, enqueuedAtMs }),
  }));
  for (const encoding of ['Avro', 'AvroDeflate'] as const) {
    const { blobs } = filesIn({ [NAME]: await brokerFile(events, encoding) });
    const all = [];
    for await (const block of readCaptureFile({ blobs, onProblem: notTold }, NAME)) all.push(...block);
    expect(all.map(({ sequenceNumber }) => sequenceNumber)).toEqual(numbers(300));
    const second = enqueuedAtMs - 999;
    expect(all[7]).toEqual({ sequenceNumber: 7, offset: 'o7', enqueuedAtMs: second, body: Buffer.from('text') });
  }
});

test.each([
  ['12:00:00 AM', 0],
  ['12:30:00 PM', 12.5],
  ['1:00:00 AM', 1],
  ['11:00:00 PM', 23],
])('%s is hour %d', async (time, hour) => {
  const { blobs } = filesIn({ [NAME]: await captureFile([{ sequence: 0, time: `3/4/2026 ${time}` }]) });
  for await (const [event] of readCaptureFile({ blobs, onProblem: notTold }, NAME))
    expect(event?.enqueuedAtMs).toBe(Date.UTC(2026, 2, 4) + hour * 3_600_000);
});

test('a file without events has none, and no problem', async () => {
  for (const encoding of ['Avro', 'AvroDeflate'] as const)
    expect(await read(await brokerFile([], encoding))).toMatchObject({ found: [], problems: [] });
});

test('in whatever pieces a file comes, and however large its blocks are, its events are the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...codecs),
      fc.integer({ min: 1, max: 3_000 }),
      fc.integer({ min: 1, max: 3_000 }),
      async (codec, blockSize, pieceBytes) => {
        const { sequences, problems } = await read(await captureFile(some(60), { codec, blockSize }), pieceBytes);
        expect(problems).toEqual([]);
        expect(sequences).toEqual(numbers(60));
      },
    ),
    { numRuns: 60 },
  );
});

test.each(codecs)('wherever a file is cut off, all that is whole of it is read, codec %s', async (codec) => {
  const file = await captureFile(some(40), { codec, blockSize: 500 });
  const ends = endsOfBlocks(file);
  for (let length = 0; length < file.length; length += 3) {
    const { sequences, problems } = await read(file.subarray(0, length));
    const wholeBlocks = ends.filter((end) => end <= length).length;
    // Where it is cut between two blocks nobody can see it.
    const between = ends.includes(length);
    expect(problems.map(({ code }) => code)).toEqual(between ? [] : ['PS_ARCHIVE_DAMAGED']);
    expect(sequences).toEqual(numbers(sequences.length));
    expect(sequences.length).toBeGreaterThanOrEqual(Math.max(0, wholeBlocks - 1) * 3);
  }
});

/** Where the header, and each block, ends. */
function endsOfBlocks(file: Buffer): number[] {
  const ends: number[] = [];
  for (let at = file.indexOf('0123456789abcdef'); at >= 0; at = file.indexOf('0123456789abcdef', at + 1))
    ends.push(at + 16);
  return ends;
}

test('the error of a damaged file names the file and where in it the block begins, and other blocks are read', async () => {
  const file = await captureFile(some(40), { codec: 'null', blockSize: 500 });
  const [, second, third] = endsOfBlocks(file) as [number, number, number];
  const firstOfSecond = (await read(file.subarray(0, second))).sequences.length;
  const firstOfThird = (await read(file.subarray(0, third))).sequences.length;
  // The number of events, and the size, of the second block.
  for (const at of [second, second + 1]) {
    const damaged = Buffer.from(file);
    damaged[at] = 0xfe;
    const { sequences, problems } = await read(damaged);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'PS_ARCHIVE_DAMAGED', facts: { blob: NAME, byte: second } });
    expect(problems[0]?.message).toContain(`${NAME}, at byte ${second}: `);
    expect(sequences.slice(0, firstOfSecond)).toEqual(numbers(firstOfSecond));
    expect(sequences.slice(-(40 - firstOfThird))).toEqual(numbers(40).slice(firstOfThird));
  }
});

test('whatever bytes are changed, a file is read to its end, and what is damaged is told of or is content alone', async () => {
  const files = await Promise.all(codecs.map((codec) => captureFile(some(40), { codec, blockSize: 400 })));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }),
      async (file, changes) => {
        const damaged = Buffer.from(file);
        const headerEnd = endsOfBlocks(file)[0] as number;
        for (const [at, byte] of changes) damaged[headerEnd + (at % (file.length - headerEnd))] = byte;
        const { found, problems } = await read(damaged);
        if (problems.length === 0) expect(found).toHaveLength(40);
        for (const { code } of problems) expect(code).toBe('PS_ARCHIVE_DAMAGED');
      },
    ),
    { numRuns: 500 },
  );
});

test('a number that was changed costs its own event alone', async () => {
  const file = await captureFile(some(20), { codec: 'null' });
  // The number of event 7, before its offset.
  const at = file.indexOf('700') - 2;
  expect(file[at]).toBe(14);
  for (const byte of [0, 2, 16, 0x7e]) {
    const damaged = Buffer.from(file);
    damaged[at] = byte;
    const { sequences, problems } = await read(damaged);
    expect(sequences).toEqual(numbers(20).filter((number) => number !== 7));
    expect(problems).toMatchObject([{ code: 'PS_ARCHIVE_DAMAGED', facts: { blob: NAME } }]);
  }
});

test('a changed header is told of and costs its own file alone', async () => {
  const file = await captureFile(some(5));
  const headerEnd = endsOfBlocks(file)[0] as number;
  await fc.assert(
    fc.asyncProperty(fc.nat(headerEnd - 17), fc.nat(255), async (at, byte) => {
      const damaged = Buffer.from(file);
      damaged[at] = byte;
      const { sequences, problems } = await read(damaged);
      if (problems.length === 0) expect(sequences).toEqual(numbers(5));
    }),
    { numRuns: 300 },
  );
});

test('a codec that the service does not write is refused by its name', async () => {
  const { found, problems } = await read(await captureFile(some(3), { codec: 'snappy' }));
  expect(found).toEqual([]);
  expect(problems).toMatchObject([{ code: 'PS_ARCHIVE_UNSUPPORTED', facts: { blob: NAME } }]);
  expect(problems[0]?.message).toContain('snappy');
});

test('fields that a later version of the service adds are passed over', async () => {
  const added = [
    { name: 'Region', type: ['null', 'string'], default: null },
    { name: 'Tags', type: { type: 'array', items: 'string' }, default: ['a', 'b'] },
    { name: 'Flags', type: 'int', default: 3 },
  ];
  const schema = { ...serviceSchema, fields: [added[0], ...serviceSchema.fields, ...added.slice(1)] };
  const { sequences, problems } = await read(await captureFile(some(3), { schema }));
  expect(problems).toEqual([]);
  expect(sequences).toEqual(numbers(3));
});

test('a file of another schema is refused, and says what it lacks', async () => {
  const fields = serviceSchema.fields.filter(({ name }) => name !== 'Body');
  const { problems } = await read(await captureFile(some(1), { schema: { ...serviceSchema, fields } }));
  expect(problems).toMatchObject([{ code: 'PS_ARCHIVE_UNSUPPORTED' }]);
  expect(problems[0]?.message).toContain('Body is not there');
});

test.each(codecs)('a block that is larger than one may be is damage, and no memory, codec %s', async (codec) => {
  const large = await captureFile([{ sequence: 0, body: 'x'.repeat(100_000) }], { codec });
  const next = await captureFile([{ sequence: 1 }], { codec });
  const file = Buffer.concat([large, next.subarray(endsOfBlocks(next)[0])]);
  const { sequences, problems } = await read(file, 1_000, { maxBlockBytes: 99_999 });
  expect(sequences).toEqual([1]);
  expect(problems).toMatchObject([{ code: 'PS_ARCHIVE_DAMAGED' }]);
  expect((await read(file, 1_000, { maxBlockBytes: 101_000 })).sequences).toEqual([0, 1]);
});
