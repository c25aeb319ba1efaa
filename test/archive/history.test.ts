import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ArchiveError } from '../../src/archive/errors.js';
import { createCaptureHistory } from '../../src/archive/history.js';
import type { Gap } from '../../src/archive/sequence.js';
import { captureFile, type FileEvent, filesIn, notTold } from './capture-file.js';

const NAMING = {
  nameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}',
  namespace: 'shop',
  hub: 'clicks',
};
const ALWAYS = { fromMs: 0, toMs: Number.POSITIVE_INFINITY };
const nameOf = (minute: number, partition = 0) =>
  `shop/clicks/${partition}/2016/11/16/16/${String(minute).padStart(2, '0')}/00.avro`;

/** Sequence numbers from `first` to `last`; event n is enqueued at n seconds past 16:00. */
const range = (first: number, last: number): FileEvent[] =>
  Array.from({ length: last - first + 1 }, (_, index) => at(first + index));
const at = (sequence: number): FileEvent => ({ sequence, time: timeOf(sequence) });
const timeOf = (second: number) =>
  `11/16/2016 4:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')} PM`;
const atMs = (second: number) => Date.UTC(2016, 10, 16, 16, 0, second);

async function read(files: Readonly<Record<string, Buffer>>, { partition = '0', bounds = ALWAYS } = {}) {
  const { blobs, open, reads } = filesIn(files);
  const problems: ArchiveError[] = [];
  const gaps: string[] = [];
  const onGap = ({ first, last }: Gap) => gaps.push(`${first}-${last}`);
  const history = createCaptureHistory({ blobs, onProblem: (problem) => problems.push(problem), onGap }, NAMING);
  const sequences: number[] = [];
  let most = 0;
  try {
    for await (const events of history.read(partition, bounds)) {
      most = Math.max(most, open());
      sequences.push(...events.map(({ sequenceNumber }) => sequenceNumber));
    }
  } finally {
    expect(open()).toBe(0);
  }
  return { sequences, problems: problems.map(({ code }) => code), gaps, most, reads: reads() };
}

const upTo = (last: number, first = 0) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

test('the partitions are those of which there are files, by number', async () => {
  const file = await captureFile(range(0, 1));
  const { blobs } = filesIn({ [nameOf(0, 10)]: file, [nameOf(0, 2)]: file, 'shop/orders/3/x.avro': file });
  const history = createCaptureHistory({ blobs, onProblem: notTold, onGap: notTold }, NAMING);
  expect(await history.partitions()).toEqual(['2', '10']);
});

test('where there is no file of the hub, that is an error and not a hub without events', async () => {
  await expect(read({ 'other/clicks/0/2016/11/16/16/00/00.avro': Buffer.alloc(0) })).rejects.toMatchObject({
    code: 'PS_ARCHIVE_EMPTY',
    message: expect.stringContaining('shop/clicks/'),
  });
});

test('events come with partition, position and body', async () => {
  const files = { [nameOf(0)]: await captureFile(range(0, 3)), [nameOf(1)]: await captureFile(range(4, 6)) };
  const { blobs } = filesIn(files);
  const history = createCaptureHistory({ blobs, onProblem: notTold, onGap: notTold }, NAMING);
  for await (const [event] of history.read('0', { fromMs: atMs(2), toMs: atMs(3) }))
    expect(event).toEqual({
      partitionId: '0',
      sequenceNumber: 2,
      offset: '200',
      enqueuedAtMs: atMs(2),
      body: Buffer.from('body 2'),
    });
  expect(await read(files)).toMatchObject({ sequences: upTo(6), problems: [], gaps: [] });
});

test('files that follow one another are open one at a time', async () => {
  const body = 'x'.repeat(40_000);
  const large = (first: number, last: number) =>
    captureFile(
      range(first, last).map((event) => ({ ...event, body })),
      { codec: 'null', blockSize: 1_000 },
    );
  const files = { [nameOf(0)]: await large(0, 5), [nameOf(1)]: await large(6, 11), [nameOf(2)]: await large(12, 17) };
  expect(await read(files)).toMatchObject({ sequences: upTo(17), most: 1 });
});

test('the order is that of the sequence numbers, whatever the files are called', async () => {
  const files = { [nameOf(0)]: await captureFile(range(4, 6)), [nameOf(1)]: await captureFile(range(0, 3)) };
  expect(await read(files)).toMatchObject({ sequences: upTo(6), gaps: [] });
});

test('however files overlap and repeat, each event comes once, in order, and what is in none is told of', async () => {
  const parts = fc.array(fc.tuple(fc.nat(40), fc.nat(15), fc.integer({ min: 1, max: 2_000 })), {
    minLength: 1,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(parts, async (ranges) => {
      const files = Object.fromEntries(
        await Promise.all(
          ranges.map(async ([first, more, blockSize], index) => [
            nameOf(index),
            await captureFile(range(first, first + more), { codec: 'null', blockSize }),
          ]),
        ),
      ) as Record<string, Buffer>;
      const there = new Set(ranges.flatMap(([first, more]) => upTo(first + more, first)));
      const expected = [...there].sort((a, b) => a - b);
      const { sequences, gaps, problems } = await read(files);
      expect(sequences).toEqual(expected);
      expect(problems).toEqual([]);
      const missing = upTo(expected.at(-1) as number, expected[0]).filter((number) => !there.has(number));
      expect(gaps.flatMap((gap) => upTo(...(gap.split('-').map(Number).reverse() as [number, number])))).toEqual(
        missing,
      );
    }),
    { numRuns: 60 },
  );
});

test('the bounds are times of arrival: from inclusive, to exclusive; files far from them are not opened', async () => {
  const day = { [`shop/clicks/0/2016/11/15/16/00/00.avro`]: await captureFile(range(0, 0)) };
  const later = { [`shop/clicks/0/2016/11/17/16/00/00.avro`]: Buffer.from('no Avro') };
  const files = { ...day, [nameOf(0)]: await captureFile(range(1, 59)), ...later };
  const { sequences, problems, reads } = await read(files, { bounds: { fromMs: atMs(10), toMs: atMs(20) } });
  expect(sequences).toEqual(upTo(19, 10));
  expect(problems).toEqual([]);
  expect(reads).toBe(2);
});

test('a gap outside the bounds is nobody’s business', async () => {
  const files = { [nameOf(0)]: await captureFile([at(1), at(5), at(6), at(9), at(30)]) };
  const { sequences, gaps } = await read(files, { bounds: { fromMs: atMs(6), toMs: atMs(20) } });
  expect(sequences).toEqual([6, 9]);
  expect(gaps).toEqual(['7-8']);
});

test('files without events are fine', async () => {
  const empty = (await captureFile(range(0, 0))).subarray(0, -1);
  const header = empty.subarray(0, empty.indexOf('0123456789abcdef') + 16);
  const files = { [nameOf(0)]: header, [nameOf(1)]: await captureFile(range(0, 3)), [nameOf(2)]: header };
  expect(await read(files)).toMatchObject({ sequences: upTo(3), problems: [], gaps: [] });
});

test('a damaged file is told of once, costs what is damaged alone, and its events are a gap', async () => {
  const whole = await captureFile(range(4, 8), { codec: 'null' });
  const cut = whole.subarray(0, whole.length - 30);
  const files = {
    [nameOf(0)]: await captureFile(range(0, 3)),
    [nameOf(1)]: cut,
    [nameOf(2)]: await captureFile(range(9, 12)),
    [nameOf(3)]: Buffer.from('no Avro'),
  };
  const { sequences, problems, gaps } = await read(files);
  expect(sequences).toEqual(upTo(12).filter((number) => number !== 8));
  expect(problems).toEqual(['PS_ARCHIVE_DAMAGED', 'PS_ARCHIVE_DAMAGED']);
  expect(gaps).toEqual(['8-8']);
});

test('what is damaged in one file and whole in another is there', async () => {
  const whole = await captureFile(range(0, 8), { codec: 'null' });
  const files = { [nameOf(0)]: whole.subarray(0, whole.length - 60), [nameOf(1)]: whole };
  const { sequences, problems, gaps } = await read(files);
  expect(sequences).toEqual(upTo(8));
  expect(problems).toEqual(['PS_ARCHIVE_DAMAGED']);
  expect(gaps).toEqual([]);
});

test('files of a hub that was made anew under its name are not taken for repetitions', async () => {
  const later = range(0, 5)
    .map(({ sequence }) => at(sequence + 600))
    .map((event) => ({ ...event, sequence: event.sequence - 600 }));
  const files = { [nameOf(0)]: await captureFile(range(0, 5)), [nameOf(10)]: await captureFile(later) };
  const mixed = { code: 'PS_ARCHIVE_MIXED', message: expect.stringContaining('--from and --to') };
  await expect(read(files)).rejects.toMatchObject(mixed);
  // One of them whose numbers go on where the other's end.
  const apart = { [nameOf(0)]: await captureFile(range(100, 105)), [nameOf(10)]: await captureFile(later) };
  await expect(read(apart)).rejects.toMatchObject(mixed);
  const bounds = { fromMs: atMs(600), toMs: Number.POSITIVE_INFINITY };
  await expect(read({ [nameOf(10)]: await captureFile(later) }, { bounds })).resolves.toMatchObject({
    sequences: upTo(5),
  });
});

test('a clock that is a little behind, as after a partition moved to another machine, is no other hub', async () => {
  const files = {
    [nameOf(0)]: await captureFile(
      [at(100), { ...at(101), time: timeOf(60) }, at(102)].map((event, sequence) => ({ ...event, sequence })),
    ),
  };
  expect(await read(files)).toMatchObject({ sequences: [0, 1, 2], problems: [], gaps: [] });
});
