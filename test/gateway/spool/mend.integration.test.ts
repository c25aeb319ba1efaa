import { appendFile, mkdtemp, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MendedSpool, openSpool, openSpoolStore, type Spool } from '../../../src/gateway/spool/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js';
import { waitFor } from '../../helpers/wait.js';

const LIMITS = { bytes: 100_000_000, ageMs: 60_000 };
const RECORDS = 3_000;
const BODY_BYTES = 2_000;

let folder: string;
let location: string;
let clock: ManualClock;
let mended: MendedSpool[];

const openDisk = () => openSpoolStore(location, (one) => mended.push(one));
const openIt = (): Promise<Spool> =>
  openSpool({ clock, random: () => 0.5, logger: createLogger('test', 'silent'), openStore: openDisk }, LIMITS);

/** Its number, then what does not compress, and what does, as events do. */
function bodyOf(index: number): Buffer {
  const body = Buffer.alloc(BODY_BYTES, 'event ');
  let word = index + 1;
  for (let at = 0; at < BODY_BYTES / 2; at += 4) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    body.writeUInt32BE(word, at);
  }
  body.writeUInt32BE(index, 0);
  return body;
}

/** The numbers of all that is sent, in order; what is sent is what was put. */
async function drain(spool: Spool): Promise<number[]> {
  const lane = spool.lane('hub:clicks', '0');
  const sent: number[] = [];
  while (!lane.isEmpty()) {
    const records = await lane.read(1_000_000, 0);
    if (records.length === 0) throw new Error('the spool says that it has more, and has not');
    for (const { body } of records) {
      sent.push(body.readUInt32BE(0));
      expect(body.equals(bodyOf(body.readUInt32BE(0)))).toBe(true);
    }
    await lane.remove(records);
  }
  return sent;
}

async function fill(from: number, to: number): Promise<void> {
  const spool = await openIt();
  const lane = spool.lane('hub:clicks', '0');
  for (let at = from; at < to; at += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => lane.append(bodyOf(at + index))));
  }
  await spool.close();
}

const filesOf = async (ending: string) =>
  (await readdir(location))
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(location, name));

async function change(path: string, at: number, bytes: (old: Buffer) => Buffer): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { buffer: old } = await file.read(Buffer.alloc(4_096), 0, 4_096, at);
    const fresh = bytes(old);
    await file.write(fresh, 0, fresh.length, at);
  } finally {
    await file.close();
  }
}
const flip = (path: string, at: number) => change(path, at, (old) => Buffer.from([(old[0] as number) ^ 1]));

describe('a damaged spool', () => {
  beforeEach(async () => {
    clock = createManualClock();
    mended = [];
    folder = await mkdtemp(join(tmpdir(), 'penstock-spool-'));
    location = join(folder, 'spool');
    // Only a start is sure to make tables of a log: a close does not wait for one that is being made.
    await fill(0, (RECORDS * 2) / 3);
    await fill((RECORDS * 2) / 3, RECORDS);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** What is left after the damage is sent in order, once, and the loss is told with its file. */
  async function expectRest(file: RegExp, least: number): Promise<number[]> {
    const spool = await openIt();
    expect(spool.report('hub:clicks').records).toBeGreaterThanOrEqual(least);
    const sent = await drain(spool);
    await spool.close();
    expect(sent).toEqual([...new Set(sent)].sort((a, b) => a - b));
    expect(sent.length).toBeGreaterThanOrEqual(least);
    expect(mended.length).toBe(1);
    expect(mended[0]?.losses.some((loss) => file.test(loss.file))).toBe(true);
    return sent;
  }

  it('is told of and sent but for the block in which a bit of a table is flipped', async () => {
    const [table] = await filesOf('.ldb');
    await flip(table as string, 300_000);
    const before = await readFile(table as string);
    const sent = await expectRest(/\.ldb$/, RECORDS - 10);
    expect(sent.length).toBeLessThan(RECORDS);
    const [kept] = mended;
    expect(kept?.keptIn).toBe(`${location}-damaged-1`);
    const name = kept?.losses[0]?.file as string;
    expect((await readFile(join(kept?.keptIn as string, name))).equals(before)).toBe(true);
  });

  it('is told of and sent but for the write in which a bit of the log is flipped', async () => {
    const [log] = await filesOf('.log');
    await flip(log as string, 100_000);
    expect((await expectRest(/\.log$/, RECORDS - 100)).length).toBeLessThan(RECORDS);
  });

  it('is told of and sent but for the end of its log that is zero, as after a write that was cut off', async () => {
    const [log] = await filesOf('.log');
    const { size } = await stat(log as string);
    await truncate(log as string, size - 300_000);
    await truncate(log as string, size);
    expect((await expectRest(/\.log$/, RECORDS - 300)).length).toBeLessThan(RECORDS);
    expect(mended[0]?.losses[0]?.what).toMatch(new RegExp(`^lost the writes from byte \\d+ to ${size};`));
  });

  it('is told of and sent but for pages of a table that are zero', async () => {
    const [table] = await filesOf('.ldb');
    await change(table as string, 300_000, () => Buffer.alloc(4_096));
    expect((await expectRest(/\.ldb$/, RECORDS - 10)).length).toBeLessThan(RECORDS);
  });

  it('is told of and sent but for a table that was cut', async () => {
    const [table] = await filesOf('.ldb');
    await truncate(table as string, (await stat(table as string)).size - 5_000);
    expect((await expectRest(/\.ldb$/, 500)).length).toBeLessThan(RECORDS);
  });

  it('is sent whole when what names its files is damaged or empty', async () => {
    await writeFile(join(location, 'CURRENT'), '');
    expect((await expectRest(/CURRENT/, RECORDS)).length).toBe(RECORDS);
  });

  it('is sent whole when its manifest is damaged', async () => {
    const manifest = (await readdir(location)).find((name) => name.startsWith('MANIFEST')) as string;
    await flip(join(location, manifest), 30);
    expect((await expectRest(/MANIFEST/, RECORDS)).length).toBe(RECORDS);
  });

  it('is told of and sent but for the block also when its manifest ends in a torn edit', async () => {
    const [table] = await filesOf('.ldb');
    await flip(table as string, 300_000);
    const manifest = (await readdir(location)).find((name) => name.startsWith('MANIFEST')) as string;
    // The head of a record of 16 bytes reached the disk, and they did not.
    await appendFile(join(location, manifest), Buffer.from([1, 2, 3, 4, 16, 0, 1, ...Buffer.alloc(16)]));
    expect((await expectRest(/\.ldb$/, RECORDS - 10)).length).toBeLessThan(RECORDS);
  });

  it('is mended also when the damage is met while it is drained', async () => {
    const spool = await openIt();
    const lane = spool.lane('hub:clicks', '0');
    for (const table of await filesOf('.ldb')) await change(table, 0, () => Buffer.alloc(16, 0xff));
    const sent: number[] = [];
    await waitFor('the spool to be empty', async () => {
      clock.advance(15_000);
      const records = await lane.read(1_000_000, 0).catch(() => []);
      for (const { body } of records) sent.push(body.readUInt32BE(0));
      if (records.length > 0) await lane.remove(records);
      return lane.isEmpty();
    });
    await spool.close();
    expect(mended.length).toBe(1);
    expect(sent.length).toBeGreaterThanOrEqual(RECORDS - 10);
  });

  it('is named with its file and byte when there is no place to keep it', async () => {
    const [table] = await filesOf('.ldb');
    await flip(table as string, 300_000);
    // A name that ends at the longest that a folder may have: nothing can be put beside it.
    const long = join(folder, 'x'.repeat(250));
    await rename(location, long);
    location = long;
    const refused = {
      code: 'PS_SPOOL_UNUSABLE',
      message: expect.stringMatching(/\.ldb is damaged at byte \d+, and it cannot/),
    };
    await expect(openDisk()).rejects.toMatchObject(refused);
  });

  it('is left alone while another gateway has it open', async () => {
    const spool = await openIt();
    const [table] = await filesOf('.ldb');
    await flip(table as string, 300_000);
    await expect(openDisk()).rejects.toMatchObject({ code: 'PS_SPOOL_LOCKED' });
    expect(mended).toEqual([]);
    await spool.close();
  });
});
