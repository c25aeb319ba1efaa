import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventLog } from '../../../src/broker/log/event-log.js';
import { readFrame } from '../../../src/broker/log/frame.js';
import { findLogDamage, mendLogs, putAwayUnknown } from '../../../src/broker/log/mend.js';
import type { MendDisk } from '../../../src/broker/log/mend-disk.js';
import type { KnownLog } from '../../../src/broker/log/mend-plan.js';
import { appendTexts, openLog, readAll } from './driver.js';
import { createMemoryDisk, type MemoryDisk } from './memory-disk.js';

const FOLDER = '00000001';
const known = (nextSequence: number): KnownLog => ({ id: 1, name: 'clicks/0', nextSequence, lastEnqueuedAtMs: 0 });

interface Patient {
  readonly disk: MemoryDisk & MendDisk;
  /** What was kept as it was. */
  readonly kept: Map<string, Buffer>;
  /** Lets so many changes pass, and then ends everything, as `kill -9` does. */
  endAfter(changes: number): void;
}

function createPatient(): Patient {
  const disk = createMemoryDisk();
  const kept = new Map<string, Buffer>();
  let left = Number.POSITIVE_INFINITY;
  const change = () => {
    if (left-- <= 0) throw new Error('ended');
  };
  const { remove } = disk;
  return {
    kept,
    endAfter(changes) {
      left = changes;
    },
    disk: Object.assign(disk, {
      async remove(folder: string, names: readonly string[]) {
        for (const name of names) {
          change();
          await remove(folder, [name]);
        }
      },
      async replace(folder: string, name: string, contents: Buffer) {
        change();
        disk.files.set(`${folder}/${name}`, Buffer.from(contents));
      },
      async keep(folder: string, name: string) {
        change();
        const path = `${folder}/${name}`;
        if (!kept.has(path)) kept.set(path, disk.files.get(path) as Buffer);
      },
      async putAway(folder: string) {
        for (const path of [...disk.files.keys()]) if (path.startsWith(`${folder}/`)) disk.files.delete(path);
      },
    }),
  };
}

async function withLog<T>(disk: MemoryDisk, nextSequence: number, work: (log: EventLog) => Promise<T>): Promise<T> {
  const { log, logs, failures } = await openLog(disk, { nextSequence });
  const result = await work(log);
  await logs.close();
  expect(failures).toEqual([]);
  return result;
}

/** Sends of so many events each; the texts of them all. */
async function fill(disk: MemoryDisk, sends: readonly number[]): Promise<string[]> {
  const texts: string[] = [];
  await withLog(disk, 0, async (log) => {
    for (const [index, count] of sends.entries()) {
      const more = Array.from({ length: count }, (_, event) => `event ${texts.length + event}`);
      texts.push(...more);
      await appendTexts(log, more, 1000 + index);
    }
  });
  return texts;
}

const segmentsOf = ({ files }: MemoryDisk) => [...files.keys()].filter((path) => path.endsWith('.events')).sort();
const indexOf = (segment: string) => segment.replace('.events', '.index');
const bytesOf = ({ files }: MemoryDisk, path: string | undefined) => files.get(path ?? '') ?? Buffer.alloc(0);

interface PlacedFrame {
  readonly path: string;
  readonly from: number;
  readonly to: number;
  readonly sequence: number;
  readonly count: number;
}

function framesOf(disk: MemoryDisk): PlacedFrame[] {
  const found: PlacedFrame[] = [];
  for (const path of segmentsOf(disk)) {
    const bytes = bytesOf(disk, path);
    for (let from = 0; from < bytes.length; ) {
      const read = readFrame(bytes, from);
      if (read.kind !== 'frame') throw new Error(`${path} is not whole`);
      const { sequence, count } = read.frame;
      const to = from + read.frame.bytes;
      found.push({ path, from, to, sequence, count });
      from = to;
    }
  }
  return found;
}

function scribble(disk: MemoryDisk, path: string, at: number, count: number): void {
  const bytes = Buffer.from(bytesOf(disk, path));
  disk.files.set(path, bytes.fill(0xee, at, Math.min(bytes.length, at + count)));
}

const whatOf = async (disk: MemoryDisk, nextSequence: number) =>
  (await findLogDamage(disk, [known(nextSequence)])).map(({ file, what }) => `${file} ${what}`);

const harm = fc.record({
  kind: fc.constantFrom('scribble', 'scribble', 'scribble', 'truncate', 'remove', 'index'),
  segment: fc.nat(9),
  place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  count: fc.integer({ min: 1, max: 200 }),
});

describe('a damaged partition', () => {
  it('keeps every event whose frame is whole and never gives a number twice, whatever was damaged and when mending ended', async () => {
    const sends = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 25 });
    const harms = fc.array(harm, { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(sends, harms, fc.array(fc.nat(6), { maxLength: 3 }), async (counts, all, ends) => {
        const { disk, kept, endAfter } = createPatient();
        const texts = await fill(disk, counts);
        const [before, placed] = [new Map(disk.files), framesOf(disk)];
        for (const { kind, segment, place, count } of all) {
          const paths = segmentsOf(disk);
          const path = paths[segment % Math.max(1, paths.length)];
          if (path === undefined) continue;
          const at = Math.floor(place * bytesOf(disk, path).length);
          if (kind === 'remove') disk.files.delete(path);
          else if (kind === 'truncate') disk.files.set(path, bytesOf(disk, path).subarray(0, at));
          else if (kind === 'scribble') scribble(disk, path, at, count);
          else disk.files.set(indexOf(path), Buffer.from('rubbish'));
        }
        const harmed = new Map(disk.files);
        const whole = placed.filter(({ path, from, to }) => {
          const [was, is] = [before.get(path)?.subarray(from, to), harmed.get(path)?.subarray(from, to)];
          return was !== undefined && is !== undefined && was.equals(is);
        });
        const expected = whole.flatMap(({ sequence, count }) =>
          Array.from({ length: count }, (_, index) => [sequence + index, texts[sequence + index]]),
        );

        for (const changes of [...ends, Number.POSITIVE_INFINITY]) {
          endAfter(changes);
          await mendLogs(disk, [known(texts.length)]).catch(() => {});
        }
        for (const path of segmentsOf({ ...disk, files: harmed })) {
          const now = disk.files.get(path);
          if (now?.equals(harmed.get(path) as Buffer) !== true) expect(kept.get(path)).toEqual(harmed.get(path));
        }
        expect(await findLogDamage(disk, [known(texts.length)])).toEqual([]);
        const added = await withLog(disk, texts.length, async (log) => {
          expect(await readAll(log)).toEqual(expected);
          const { lastSequence, isEmpty } = log.numbers.facts();
          if (expected.length > 0) expect(lastSequence).toBe(expected.at(-1)?.[0]);
          expect(isEmpty).toBe(expected.length === 0);
          await appendTexts(log, ['new'], 5000);
          const number = log.numbers.facts().lastSequence;
          // From every number, of a lost event too, there is a way to what comes later.
          for (let from = 0; from < texts.length; from++) {
            const later = expected.filter(([sequence]) => Number(sequence) >= from);
            expect(await readAll(log, from)).toEqual([...later, [number, 'new']]);
          }
          return number;
        });
        expect(added).toBeGreaterThanOrEqual(texts.length);
        expect(await withLog(disk, added + 1, (log) => readAll(log))).toEqual([...expected, [added, 'new']]);
      }),
      { numRuns: 400 },
    );
  });

  it('is told of by file, place and events: a body, a head, a missing segment', async () => {
    const { disk } = createPatient();
    await fill(disk, Array<number>(40).fill(2));
    const placed = framesOf(disk);
    const [first = '', second = ''] = segmentsOf(disk);
    const [, body, head] = placed.filter(({ path, count }) => path === first && count > 0) as [
      unknown,
      PlacedFrame,
      PlacedFrame,
    ];
    scribble(disk, first, body.from + 50, 5);
    scribble(disk, first, head.from + 4, 4);
    disk.files.delete(second);
    const gone = placed.filter(({ path, count }) => path === second && count > 0);
    const [from, to] = [gone[0]?.sequence, Number(gone.at(-1)?.sequence) + 1];
    expect(await whatOf(disk, 80)).toEqual([
      `${first} is damaged from byte ${body.from} to ${head.to}: it loses 4 events, ${body.sequence} to ${head.sequence + 1}, of clicks/0`,
      `${second} is missing: it loses ${gone.length * 2} events, ${from} to ${to}, of clicks/0`,
    ]);
    const mended = await mendLogs(disk, [known(80)]);
    expect(mended.map((one) => one.mended)).toEqual([
      `lost 4 events, ${body.sequence} to ${head.sequence + 1}, of clicks/0`,
      `lost ${gone.length * 2} events, ${from} to ${to}, of clicks/0`,
    ]);
    // Nothing is lost at the end: numbers go on from there.
    await withLog(disk, 80, async (log) => {
      await appendTexts(log, ['new'], 5000);
      expect(log.numbers.facts().lastSequence).toBe(80);
      expect(await log.findTime(1000 + Number(from) / 2)).toBe(to + 1);
    });
  });

  it('without its newest segment goes on a million numbers higher, known by what was noted or by an index', async () => {
    const { disk } = createPatient();
    await fill(disk, Array<number>(40).fill(2));
    const [left = '', newest = ''] = segmentsOf(disk).slice(-2);
    disk.files.delete(newest);
    const base = Number(newest.slice(-23, -7));
    const what = `${left} ends at byte ${bytesOf(disk, left).length}: it loses all events from ${base} on, ${80 - base} or more, of clicks/0`;
    // The index of what is gone is still there, and so it is noticed at a start.
    await expect(openLog(disk)).rejects.toMatchObject({ code: 'PS_BROKER_STORE_CORRUPT' });
    expect(await whatOf(disk, 0)).toEqual([what]);
    disk.files.delete(indexOf(newest));
    expect(await whatOf(disk, 0)).toEqual([]);
    expect(await whatOf(disk, 80)).toEqual([what]);
    await mendLogs(disk, [known(80)]);
    await withLog(disk, 80, async (log) => {
      expect(log.numbers.facts()).toMatchObject({ lastSequence: base - 1, lastOffset: String(base - 1) });
      expect(log.numbers.resolve({ kind: 'sequence', sequence: 79, inclusive: false })).toMatchObject({ kind: 'at' });
    });
    await withLog(disk, 80, async (log) => {
      await appendTexts(log, ['new'], 5000);
      expect(await readAll(log, 79)).toEqual([[1_000_080, 'new']]);
    });
  });

  it('of which nothing is left is empty, and numbers go on', async () => {
    const { disk } = createPatient();
    await fill(disk, [3, 3]);
    disk.files.clear();
    expect(await whatOf(disk, 6)).toEqual([
      `${FOLDER}/0000000000000000.events is missing: it loses all events from 0 on, 6 or more, of clicks/0`,
    ]);
    await mendLogs(disk, [known(6)]);
    await withLog(disk, 6, async (log) => {
      expect(log.numbers.facts()).toMatchObject({ isEmpty: true, lastSequence: 1_000_005 });
      expect(await readAll(log)).toEqual([]);
    });
  });

  it('forgets what is lost with what the retention takes', async () => {
    const { disk } = createPatient();
    await fill(disk, Array<number>(20).fill(2));
    const newest = segmentsOf(disk).at(-1) as string;
    disk.files.delete(newest);
    await mendLogs(disk, [known(40)]);
    await withLog(disk, 40, async (log) => {
      await log.retain({ oldestMs: 9000, maxBytes: Number.POSITIVE_INFINITY });
      expect(log.numbers.facts()).toMatchObject({ isEmpty: true, firstSequence: 1_000_040, lastSequence: 1_000_039 });
    });
    expect(segmentsOf(disk)).toEqual([`${FOLDER}/0000000001000040.events`]);
  });

  it('is not damaged by a write that was cut off', async () => {
    const { disk } = createPatient();
    await fill(disk, [3, 3]);
    const [only = ''] = segmentsOf(disk);
    disk.files.delete(indexOf(only));
    disk.files.set(only, bytesOf(disk, only).subarray(0, -1));
    expect(await whatOf(disk, 3)).toEqual([]);
  });

  it('of a hub that is not known is put away', async () => {
    const { disk } = createPatient();
    await fill(disk, [3]);
    expect(await putAwayUnknown(disk, new Set([1]))).toEqual([]);
    expect(await putAwayUnknown(disk, new Set())).toMatchObject([{ file: FOLDER }]);
    expect(await disk.folders()).toEqual([]);
  });
});
