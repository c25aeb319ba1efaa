import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendTexts, newestSegment, type Opened, openLog, readAll } from './driver.js';
import { createMemoryDisk, type MemoryDisk } from './memory-disk.js';

/** A log on a disk, and the plain list of events that it has to agree with. */
function createModel() {
  const disk = createMemoryDisk();
  const events: { text: string; atMs: number }[] = [];
  let opened: Opened;
  let first = 0;
  let nowMs = 1000;
  let note: string | undefined;
  let known = { nextSequence: 0, firstSequence: 0 };

  const expected = (from = 0) =>
    events.map(({ text }, sequence): [number, string] => [sequence, text]).slice(Math.max(from, first));

  return {
    async open() {
      opened = await openLog(disk, known);
    },
    async append(counts: readonly number[]) {
      // All at once: they share a write.
      const sends = counts.map((count, send) => {
        const texts = Array.from({ length: count }, (_, index) => `${events.length + index}`.padEnd(30 * send, '.'));
        if (send === 1) note = `note ${events.length}`;
        const { enqueuedAtMs } = opened.log.numbers.stamp(nowMs);
        for (const text of texts) events.push({ text, atMs: enqueuedAtMs });
        return appendTexts(opened.log, texts, nowMs, send === 1 ? Buffer.from(note ?? '') : undefined);
      });
      await Promise.all(sends);
    },
    async clock(ms: number) {
      nowMs += ms;
    },
    /** As `kill -9`: memory is gone. */
    async crash() {
      opened = await openLog(disk, known);
      first = opened.log.numbers.facts().firstSequence;
    },
    async restart() {
      await opened.logs.close();
      const { nextSequence, firstSequence } = opened.log.numbers.state();
      known = { nextSequence, firstSequence };
      opened = await openLog(disk, known);
    },
    async retain(ageMs: number) {
      await opened.log.retain({ oldestMs: nowMs - ageMs, maxBytes: Number.POSITIVE_INFINITY });
      const kept = events.findIndex(({ atMs }, sequence) => sequence >= first && atMs >= nowMs - ageMs);
      first = kept < 0 ? events.length : kept;
      const { nextSequence, firstSequence } = opened.log.numbers.state();
      known = { nextSequence, firstSequence };
    },
    async read(from: number) {
      expect(await readAll(opened.log, from)).toEqual(expected(from));
    },
    async time(ms: number) {
      const timeMs = 1000 + ms;
      const found = events.findIndex(({ atMs }, sequence) => sequence >= first && atMs >= timeMs);
      expect(await opened.log.findTime(timeMs)).toBe(found < 0 ? events.length : found);
    },
    check() {
      expect(opened.failures).toEqual([]);
      expect(opened.log.note()?.toString()).toBe(note);
      expect(opened.log.numbers.facts()).toMatchObject({
        firstSequence: first,
        lastSequence: events.length - 1,
        isEmpty: first === events.length,
      });
    },
  };
}

const steps = fc.array(
  fc.oneof(
    fc.array(fc.nat(6), { minLength: 1, maxLength: 4 }).map((counts) => ['append', counts] as const),
    fc.nat(40).map((ms) => ['clock', ms] as const),
    fc.nat(60).map((from) => ['read', from] as const),
    fc.integer({ min: -10, max: 300 }).map((ms) => ['time', ms] as const),
    fc.nat(60).map((ageMs) => ['retain', ageMs] as const),
    fc.constant(['restart', undefined] as const),
    fc.constant(['crash', undefined] as const),
  ),
  { maxLength: 25, size: 'max' },
);

describe('the log of a partition', () => {
  it('holds every event, finds each by number and time, and numbers on, over segments, crashes and retention', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const model = createModel();
        await model.open();
        for (const [name, value] of sequence) {
          await (model[name] as (value: unknown) => Promise<void>)(value);
          model.check();
        }
        await model.read(0);
      }),
      { numRuns: 300 },
    );
  });

  it('shows no event before it is durable', async () => {
    const { log } = await openLog(createMemoryDisk());
    const appended = appendTexts(log, ['a'], 1);
    expect(await log.read(0, 10)).toEqual([]);
    expect(log.numbers.facts().lastSequence).toBe(-1);
    await appended;
    expect(await readAll(log)).toEqual([[0, 'a']]);
  });

  it('keeps no memory of a caller: a reader that waits sees what was written, whatever came after', async () => {
    const { log } = await openLog(createMemoryDisk());
    await appendTexts(log, ['first'], 1);
    const events = await log.read(0, 1);
    for (let index = 0; index < 100; index++) await appendTexts(log, [`${index}`.repeat(20)], 1);
    expect(events[0]?.record.toString()).toBe('first');
  });

  it('numbers on after all events were removed, also when nothing else is known of it', async () => {
    const disk = createMemoryDisk();
    const { log, logs } = await openLog(disk);
    await appendTexts(log, ['a', 'b'], 1, Buffer.from('noted'));
    await log.retain({ oldestMs: 100, maxBytes: Number.POSITIVE_INFINITY });
    expect([...disk.files.keys()].filter((path) => path.endsWith('.events'))).toHaveLength(1);
    await logs.close();
    const again = (await openLog(disk)).log;
    expect(again.numbers.facts()).toMatchObject({ firstSequence: 2, lastSequence: 1, isEmpty: true });
    expect(again.note()?.toString()).toBe('noted');
    await appendTexts(again, ['c'], 200);
    expect(await readAll(again)).toEqual([[2, 'c']]);
  });

  it('removes the oldest segments when it holds more than it may', async () => {
    const disk = createMemoryDisk();
    const maxBytes = 300_000;
    const { log } = await openLog(disk, { maxBytes, options: { ...largeOptions, segmentBytes: 65_536 } });
    for (let index = 0; index < 100; index++) await appendTexts(log, [`${index}`.padEnd(10_000)], index);
    await log.retain({ oldestMs: 0, maxBytes });
    const kept = [...disk.files].filter(([path]) => path.endsWith('.events'));
    const bytes = kept.reduce((sum, [, { length }]) => sum + length, 0);
    expect(bytes).toBeLessThanOrEqual(maxBytes);
    expect(bytes).toBeGreaterThan(maxBytes * 0.7);
    const found = await readAll(log);
    expect(found[0]?.[0]).toBe(log.numbers.facts().firstSequence);
    expect(found.at(-1)?.[0]).toBe(99);
  });

  it('gives a send to the readers whole or not at all', async () => {
    const disk = createMemoryDisk();
    const { log } = await openLog(disk);
    await appendTexts(log, ['a'], 1);
    const before = disk.files.get(newestSegment(disk))?.length ?? 0;
    await appendTexts(log, ['b', 'c', 'd'], 1);
    const name = newestSegment(disk);
    const whole = disk.files.get(name) ?? Buffer.alloc(0);
    for (let bytes = before; bytes < whole.length; bytes++) {
      disk.files.set(name, whole.subarray(0, bytes));
      expect(await readAll((await openLog(disk)).log)).toEqual([[0, 'a']]);
    }
  });
});

const largeOptions = { segmentBytes: 1 << 20, memoryBytes: 1 << 20, blockBytes: 1 << 16, readAheadBytes: 1 << 20 };

describe('a log whose newest file was being written when the process ended', () => {
  it('has every event before the tear and none that was not sent, wherever the file ends', async () => {
    const sends = fc.array(fc.array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(sends, fc.double({ min: 0, max: 1, noNaN: true }), async (batches, share) => {
        const disk = createMemoryDisk();
        const { log } = await openLog(disk, { options: largeOptions });
        const ends: { bytes: number; events: number }[] = [{ bytes: 0, events: 0 }];
        const all: [number, string][] = [];
        for (const texts of batches) {
          await appendTexts(log, texts, 1);
          for (const text of texts) all.push([all.length, text]);
          ends.push({ bytes: disk.files.get(newestSegment(disk))?.length ?? 0, events: all.length });
        }
        const name = newestSegment(disk);
        const whole = disk.files.get(name) ?? Buffer.alloc(0);
        const cut = Math.floor(share * whole.length);
        disk.files.set(name, whole.subarray(0, cut));
        const kept = ends.findLast(({ bytes }) => bytes <= cut)?.events ?? 0;
        const again = (await openLog(disk, { options: largeOptions })).log;
        expect(await readAll(again)).toEqual(all.slice(0, kept));
        // And it goes on from there.
        await appendTexts(again, ['next'], 1);
        const last = (await openLog(disk, { options: largeOptions })).log;
        expect(await readAll(last)).toEqual([...all.slice(0, kept), [kept, 'next']]);
      }),
      { numRuns: 200 },
    );
  });

  it('tells damage to what was acknowledged from a torn end, and says where it is', async () => {
    const disk = createMemoryDisk();
    const { log } = await openLog(disk, { options: largeOptions });
    const ends: number[] = [];
    for (const text of ['a', 'bb', 'ccc']) {
      await appendTexts(log, [text], 1);
      ends.push(disk.files.get(newestSegment(disk))?.length ?? 0);
    }
    const name = newestSegment(disk);
    const whole = disk.files.get(name) ?? Buffer.alloc(0);
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      disk.files.set(name, damaged);
      if (at < (ends[1] as number)) {
        await expect(openLog(disk, { options: largeOptions })).rejects.toMatchObject({
          code: 'PS_BROKER_STORE_CORRUPT',
          message: expect.stringMatching(
            /0000000000000000\.events is damaged at byte \d+:.*penstock broker repair/,
          ) as string,
        });
        expect(disk.files.get(name)).toEqual(damaged);
      } else {
        // Nothing that came later proves that the last send was on disk.
        expect(await readAll((await openLog(disk, { options: largeOptions })).log)).toEqual([
          [0, 'a'],
          [1, 'bb'],
        ]);
      }
    }
  });

  it('knows after a clean end that nothing may be missing', async () => {
    const disk = createMemoryDisk();
    const { log, logs } = await openLog(disk);
    await appendTexts(log, ['a'], 1);
    await appendTexts(log, ['b'], 1);
    await logs.close();
    const name = newestSegment(disk);
    const whole = disk.files.get(name) ?? Buffer.alloc(0);
    disk.files.set(name, whole.subarray(0, whole.length - 1));
    await expect(openLog(disk)).rejects.toMatchObject({
      code: 'PS_BROKER_STORE_CORRUPT',
      message: expect.stringContaining(`ends at byte ${whole.length - 1}; ${whole.length} were on disk`) as string,
    });
    disk.files.clear();
    await expect(openLog(disk, { nextSequence: 2 })).rejects.toMatchObject({
      code: 'PS_BROKER_STORE_CORRUPT',
      message: expect.stringContaining('ends before event 0; 2 were on disk') as string,
    });
  });
});

describe('a log with older files', () => {
  async function fill(disk: MemoryDisk): Promise<void> {
    const { log, logs } = await openLog(disk);
    for (let index = 0; index < 30; index++) await appendTexts(log, [`${index}`.padEnd(50)], index);
    await logs.close();
  }
  const names = (disk: MemoryDisk, ending: string) =>
    [...disk.files.keys()].filter((path) => path.endsWith(ending)).sort();

  it('makes their indexes again when they are missing or damaged', async () => {
    const disk = createMemoryDisk();
    await fill(disk);
    const [first, second] = names(disk, '.index');
    disk.files.delete(first ?? '');
    disk.files.set(second ?? '', Buffer.from('not an index'));
    const { log } = await openLog(disk);
    expect((await readAll(log)).map(([sequence]) => sequence)).toEqual(Array.from({ length: 30 }, (_, index) => index));
    expect(await log.findTime(7)).toBe(7);
  });

  it('starts, and tells the readers that come to it, where one of them is damaged or missing', async () => {
    const disk = createMemoryDisk();
    await fill(disk);
    const [first = '', second = ''] = names(disk, '.events');
    const whole = Buffer.from(disk.files.get(first) ?? '');
    whole[200] = (whole[200] as number) ^ 1;
    disk.files.set(first, whole);
    const { log } = await openLog(disk);
    await expect(readAll(log)).rejects.toMatchObject({ code: 'PS_BROKER_STORE_CORRUPT' });
    const next = Number(/(\d+)\.events/.exec(second)?.[1]);
    expect((await readAll(log, next)).at(-1)?.[0]).toBe(29);
    disk.files.delete(second);
    await expect(readAll((await openLog(disk)).log)).rejects.toMatchObject({ code: 'PS_BROKER_STORE_CORRUPT' });
  });

  it('starts without reading them', async () => {
    const disk = createMemoryDisk();
    await fill(disk);
    const read: string[] = [];
    const counting: MemoryDisk = {
      ...disk,
      read(folder, name, position, bytes) {
        read.push(name);
        return disk.read(folder, name, position, bytes);
      },
    };
    await openLog(counting);
    expect(read).toEqual([names(disk, '.index').at(-1)?.split('/')[1]]);
  });
});

describe('a log on a disk that fails', () => {
  it('refuses what does not fit, keeps what it has, and goes on when there is room', async () => {
    const disk = createMemoryDisk();
    const { log, failures } = await openLog(disk);
    await appendTexts(log, ['a'], 1);
    disk.room = 70;
    const sends = [appendTexts(log, ['b'.repeat(100)], 1)];
    await new Promise((resolve) => setImmediate(resolve));
    sends.push(appendTexts(log, ['c'], 1));
    const outcomes = await Promise.allSettled(sends);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'PS_BROKER_DISK_FULL' } });
    expect(await readAll(log)).toEqual([[0, 'a']]);
    disk.room = Number.POSITIVE_INFINITY;
    await appendTexts(log, ['d'], 1);
    expect(await readAll(log)).toEqual([
      [0, 'a'],
      [1, 'd'],
    ]);
    expect(await readAll((await openLog(disk)).log)).toHaveLength(2);
    expect(failures).toEqual([]);
  });

  it('refuses what would need a new file while there is no room for one', async () => {
    const disk = createMemoryDisk();
    const { log } = await openLog(disk);
    await appendTexts(log, ['a'.repeat(300)], 1);
    disk.room = 10;
    await expect(appendTexts(log, ['b'.repeat(300)], 1)).rejects.toMatchObject({ code: 'PS_BROKER_DISK_FULL' });
    disk.room = Number.POSITIVE_INFINITY;
    await appendTexts(log, ['c'.repeat(300)], 1);
    expect((await readAll((await openLog(disk)).log)).map(([, text]) => text[0])).toEqual(['a', 'c']);
  });

  it('takes nothing more after any other failure, and says so once', async () => {
    const disk = createMemoryDisk();
    const { log, failures } = await openLog(disk);
    await appendTexts(log, ['a'], 1);
    disk.failure = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    await expect(appendTexts(log, ['b'], 1)).rejects.toMatchObject({ code: 'PS_BROKER_STORE_FAILED' });
    await expect(appendTexts(log, ['c'], 1)).rejects.toMatchObject({ code: 'PS_BROKER_STORE_FAILED' });
    expect(failures).toHaveLength(1);
    expect(await readAll(log)).toEqual([[0, 'a']]);
  });

  it('takes nothing more once it is closed', async () => {
    const { log, logs } = await openLog(createMemoryDisk());
    const last = appendTexts(log, ['a'], 1);
    const closed = logs.close();
    await expect(appendTexts(log, ['b'], 1)).rejects.toMatchObject({ code: 'PS_BROKER_STORE_CLOSED' });
    await Promise.all([last, closed]);
  });
});
