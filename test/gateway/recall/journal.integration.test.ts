import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ENTRY_WORDS, type Entry, NO_PARTITION, readEntry } from '../../../src/gateway/recall/entry.js';
import { openJournal } from '../../../src/gateway/recall/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import { waitFor } from '../../helpers/wait.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-ids-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const warned: unknown[] = [];
const logger = { warn: (facts: unknown) => void warned.push((facts as { file?: unknown }).file) };
beforeEach(() => void warned.splice(0));
const open = (options: { maxBytes?: number } = {}) =>
  openJournal(folder, { clock: systemClock, logger }, { ageMs: 13 * 3_600_000, maxBytes: 1e6, ...options });
const entry = (number: number): Entry => ({
  ...{
    high: number,
    low: ~number,
    atMs: 1_790_000_000_000 + number,
    tookMs: 1,
    partition: NO_PARTITION,
    what: 0,
    sink: 1,
  },
});
const entriesOf = (blocks: readonly Int32Array[]) =>
  blocks.flatMap((block) =>
    Array.from({ length: block.length / ENTRY_WORDS }, (_, at) => readEntry(block, at * ENTRY_WORDS)),
  );
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => entry(from + at));
const files = async () => (await readdir(folder)).filter((name) => name.endsWith('.ids')).sort();

it('what was appended is there for the next one, in order, under the same key', async () => {
  const first = await open();
  for (const one of numbers(0, 5000)) first.append(one);
  await first.close();
  const second = await open();
  expect(second.key).toEqual(first.key);
  expect(entriesOf(await second.readOthers())).toEqual(numbers(0, 5000));
  expect(await second.readOthers()).toEqual([]);
});

it('is written by itself, and read by others as it comes, never by the one that wrote it', async () => {
  const [one, other] = [await open(), await open()];
  expect(other.key).toEqual(one.key);
  one.append(entry(1));
  const read: Entry[] = [];
  const readOn = async (count: number) => {
    read.push(...entriesOf(await other.readOthers()));
    return read.length === count;
  };
  await waitFor('the first entry', () => readOn(1));
  one.append(entry(2));
  await waitFor('the second', () => readOn(2));
  expect(read).toEqual([entry(1), entry(2)]);
  expect(await one.readOthers()).toEqual([]);
  await one.close();
  await other.close();
});

it('half a block at the end, or a changed one, is not read, and nothing after it', async () => {
  const first = await open();
  for (const one of numbers(0, 10)) first.append(one);
  await first.close();
  const [name] = await files();
  const path = join(folder, name as string);
  const whole = await readFile(path);
  await appendFile(path, whole.subarray(0, whole.length - 1));
  expect(entriesOf(await (await open()).readOthers())).toEqual(numbers(0, 10));
  // The rest of it comes later: another gateway is writing it.
  const reader = await open();
  await reader.readOthers();
  await appendFile(path, whole.subarray(whole.length - 1));
  expect(entriesOf(await reader.readOthers())).toEqual(numbers(0, 10));
  const broken = Buffer.from(whole);
  broken[20] = (broken[20] as number) ^ 1;
  await truncate(path, 0);
  await appendFile(path, Buffer.concat([broken, whole]));
  expect(await (await open()).readOthers()).toEqual([]);
});

it('is bounded in bytes and in age', async () => {
  const maxBytes = 64 * 1024;
  const journal = await open({ maxBytes });
  for (let round = 0; round < 40; round++) {
    for (const one of numbers(round * 200, (round + 1) * 200)) journal.append(one);
    await journal.close();
  }
  const sizes = await Promise.all((await files()).map(async (name) => (await stat(join(folder, name))).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(maxBytes + maxBytes / 8);
  const kept = entriesOf(await (await open()).readOthers());
  expect(kept.at(-1)).toEqual(entry(7999));
  for (const name of await files()) await utimes(join(folder, name), new Date(0), new Date(0));
  const next = await open();
  next.append(entry(1));
  await next.close();
  expect(await files()).toHaveLength(1);
});

it('a folder that has gone is no end: what can be written later is', async () => {
  const journal = await open();
  await rm(folder, { recursive: true });
  journal.append(entry(1));
  await journal.close();
  expect(entriesOf(await (await open()).readOthers())).toEqual([entry(1)]);
  await rm(folder, { recursive: true });
  expect(await journal.readOthers()).toEqual([]);
  journal.append(entry(2));
  await journal.close();
  const next = await open();
  expect(next.key).toEqual(journal.key);
  expect(entriesOf(await next.readOthers())).toEqual([entry(2)]);
  expect(warned).toEqual([]);
});

it('a file that cannot be read is told of once, and hides no other', async () => {
  const unreadable = join(folder, '000000000-00000000.ids');
  const first = await open();
  first.append(entry(1));
  await first.close();
  await mkdir(unreadable);
  await writeFile(join(unreadable, 'content'), '');
  const next = await open();
  expect(entriesOf(await next.readOthers())).toEqual([entry(1)]);
  first.append(entry(2));
  await first.close();
  expect(entriesOf(await next.readOthers())).toEqual([entry(2)]);
  expect(warned).toEqual([unreadable]);
});

it.each([
  ['empty', Buffer.alloc(0)],
  ['cut', Buffer.alloc(7, 1)],
  ['zero', Buffer.alloc(8)],
])('a key that is %s is told of, and the next ids are known again', async (_what, damaged) => {
  await (await open()).close();
  const path = join(folder, 'key');
  await writeFile(path, damaged);
  const journal = await open();
  journal.append(entry(1));
  await journal.close();
  const next = await open();
  expect(next.key).toEqual(journal.key);
  expect(entriesOf(await next.readOthers())).toEqual([entry(1)]);
  expect(warned).toEqual([path]);
});
