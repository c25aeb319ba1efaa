import { randomBytes } from 'node:crypto';
import {
  appendFile,
  copyFile,
  cp,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mendStore, openLevelStore, type Store, verifyDatabase } from '../../../src/broker/store/index.js';

let root: string;
let location: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'penstock-integrity-'));
  location = join(root, 'store');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const key = (index: number) => Buffer.from(`key-${String(index).padStart(6, '0')}`);
const noise = randomBytes(64 * 1024);
/** Every second one does not compress. */
const value = (index: number): Buffer =>
  index % 2 === 0 ? noise.subarray(index * 7, index * 7 + 2000) : Buffer.alloc(2000, index);
const all = { from: key(0), to: Buffer.from('kez'), limit: 1_000_000 };
const indexesIn = async (store: Store) =>
  (await store.range(all)).map(({ key: found }) => Number(found.toString().slice(4)));

const SPLITS = 3;

/** A database as `kill -9` leaves it: tables, more than one of them, and a log that no table has. */
async function fill(count: number, inLog = 50, end: 'killed' | 'closed' = 'killed'): Promise<void> {
  const live = join(root, 'live');
  for (let split = 0; split < SPLITS; split++) {
    const store = await openLevelStore(live);
    for (let index = split; index < count; index += SPLITS) {
      void store.commit([{ key: key(index), value: value(index) }]);
    }
    await store.close();
  }
  const again = await openLevelStore(live);
  for (let index = count; index < count + inLog; index++) {
    await again.commit([{ key: key(index), value: value(index) }]);
  }
  if (end === 'killed') await copyLive(live);
  await again.close();
  if (end === 'closed') await copyLive(live);
}

async function copyLive(live: string): Promise<void> {
  await rm(location, { recursive: true, force: true });
  await cp(live, location, { recursive: true });
}

const fileLike = async (pattern: RegExp): Promise<string> =>
  (await readdir(location))
    .filter((name) => pattern.test(name))
    .sort()
    .at(-1) as string;

async function flip(file: string, at: number): Promise<void> {
  const handle = await open(join(location, file), 'r+');
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ 0x10;
  await handle.write(byte, 0, 1, at);
  await handle.close();
}

/** As where the last write was cut off, which is never noted. */
const forgetSynced = () => rm(join(location, 'SYNCED'));

const refusal = (file: string, what: RegExp) => ({
  code: 'PS_BROKER_STORE_CORRUPT',
  message: expect.stringMatching(new RegExp(`${file}.* ${what.source}.*repair`)) as string,
  facts: { file: join(location, file) },
});

/** Everything in the folder, to see that nothing was changed in it. LevelDB's own notes do not count. */
async function contents(): Promise<Map<string, string>> {
  const names = (await readdir(location)).filter((name) => !/^LO(?:G|CK)/.test(name));
  const read = async (name: string) => [name, (await readFile(join(location, name))).toString('latin1')] as const;
  return new Map(await Promise.all(names.map(read)));
}

describe('a database that LevelDB wrote', () => {
  it('is sound, also as a kill leaves it, with compactions and more than one log', async () => {
    await fill(2000);
    expect(await verifyDatabase(location, { thorough: true })).toMatchObject({ damage: [], tornManifest: undefined });
    const store = await openLevelStore(location);
    expect(await indexesIn(store)).toHaveLength(2050);
    await store.close();
  });

  it('that ends in a torn write starts without it, and without a word', async () => {
    await fill(100);
    await forgetSynced();
    const log = await fileLike(/\.log$/);
    await truncate(join(location, log), (await stat(join(location, log))).size - 7);
    const store = await openLevelStore(location);
    expect((await indexesIn(store)).at(-1)).toBe(148);
    await store.close();
  });

  it('that ends in a write of which only parts reached the disk starts without it', async () => {
    await fill(100);
    await forgetSynced();
    const log = await fileLike(/\.log$/);
    await flip(log, (await stat(join(location, log))).size - 100);
    await appendFile(join(location, log), Buffer.alloc(5000));
    const store = await openLevelStore(location);
    expect((await indexesIn(store)).at(-1)).toBe(148);
    await store.close();
  });

  it('whose manifest ends in a torn edit starts', async () => {
    await fill(100);
    const manifest = await fileLike(/^MANIFEST/);
    // Zeros, as a file has where its length reached the disk and its bytes did not.
    await appendFile(join(location, manifest), Buffer.alloc(60));
    const store = await openLevelStore(location);
    expect(await indexesIn(store)).toHaveLength(150);
    await store.close();
  });

  it('that has only just been begun starts', async () => {
    await openLevelStore(location).then((store) => store.close());
    for (const name of await readdir(location)) if (name !== 'LOCK') await rm(join(location, name));
    await writeFile(join(location, 'MANIFEST-000001'), 'begun');
    const store = await openLevelStore(location);
    await store.close();
  });
});

describe('a database that is damaged is refused with the file and the place, and stays as it is:', () => {
  async function expectRefused(file: string, what: RegExp): Promise<void> {
    const before = await contents();
    await expect(openLevelStore(location)).rejects.toMatchObject(refusal(file, what));
    expect(await contents()).toEqual(before);
  }

  it('in the middle of its log', async () => {
    await fill(100);
    const log = await fileLike(/\.log$/);
    await flip(log, 50_000);
    await expectRefused(log, /is damaged at byte \d+/);
  });

  it('in the length of a record at the end of its log, which LevelDB takes for the end', async () => {
    await fill(100, 5);
    const log = await fileLike(/\.log$/);
    await flip(log, 5);
    await expectRefused(log, /is damaged at byte 0/);
  });

  it('in a log that is missing', async () => {
    await fill(100);
    const log = await fileLike(/\.log$/);
    await rm(join(location, log));
    await expectRefused(log, /is missing/);
  });

  it('in a log that is cut short although a later one was begun', async () => {
    await fill(100);
    const log = await fileLike(/\.log$/);
    const later = `${String(Number.parseInt(log, 10) + 20).padStart(6, '0')}.log`;
    await copyFile(join(location, log), join(location, later));
    await truncate(join(location, log), 50_000);
    await expectRefused(log, /ends too early, at byte \d+/);
  });

  it.each<[string, number, (path: string, bytes: number) => Promise<void>]>([
    ['that is empty, as that of a new database is', 0, (path) => truncate(path, 0)],
    ['that is empty, beside tables', 2000, (path) => truncate(path, 0)],
    [
      'that is zero, as that of a first write that was cut off is',
      0,
      (path, bytes) => writeFile(path, Buffer.alloc(bytes)),
    ],
    ['that ends in zeros', 100, (path, bytes) => truncate(path, bytes >> 1).then(() => truncate(path, bytes))],
  ])('in a log %s', async (_what, inTables, harm) => {
    await fill(inTables, 50, 'closed');
    const log = await fileLike(/\.log$/);
    await harm(join(location, log), (await stat(join(location, log))).size);
    await expectRefused(log, /ends too early, at byte \d+: \d+ bytes of it were on disk/);
  });

  it('in all of its files but the one that tells how much there was', async () => {
    await fill(100);
    for (const name of await readdir(location)) if (name !== 'SYNCED') await rm(join(location, name));
    await expectRefused('CURRENT', /is missing/);
  });

  it('in its manifest', async () => {
    await fill(2000);
    const manifest = await fileLike(/^MANIFEST/);
    await flip(manifest, 20);
    await expectRefused(manifest, /is damaged at byte 0/);
  });

  it('in CURRENT, where LevelDB would begin a new database and remove all that is there', async () => {
    await fill(2000);
    await rm(join(location, 'CURRENT'));
    await expectRefused('CURRENT', /is missing/);
  });

  it('in a table that is missing, or has another size', async () => {
    await fill(2000);
    const table = await fileLike(/\.ldb$/);
    await truncate(join(location, table), 5000);
    await expectRefused(table, /has 5000 bytes instead of \d+/);
    await rm(join(location, table));
    await expectRefused(table, /is missing/);
  });

  it.each([5, 60])('in the footer or the index of a table, %i bytes before its end', async (back) => {
    await fill(2000);
    const table = await fileLike(/\.ldb$/);
    await flip(table, (await stat(join(location, table))).size - back);
    await expectRefused(table, /is damaged at byte \d+, in its (?:footer|index)/);
  });
});

describe('a damaged database that is mended', () => {
  const keep = () => join(root, 'kept');

  /** Opens it, and answers what it has lost of `count`. */
  async function lostOf(count: number): Promise<number[]> {
    expect((await verifyDatabase(location, { thorough: true })).damage).toEqual([]);
    const store = await openLevelStore(location);
    const entries = await store.range(all);
    for (const { key: found, value: stored } of entries) {
      expect(stored.equals(value(Number(found.toString().slice(4))))).toBe(true);
    }
    const there = new Set(entries.map(({ key: found }) => Number(found.toString().slice(4))));
    await store.commit([{ key: key(1_000), value: value(1_000) }]);
    await store.close();
    return Array.from({ length: count }, (_, index) => index).filter((index) => !there.has(index));
  }

  it('has all of its log but the one write that cannot be read', async () => {
    await fill(100);
    const log = await fileLike(/\.log$/);
    await flip(log, 50_000);
    const damaged = await readFile(join(location, log));
    const losses = await mendStore(location, keep());
    expect(losses).toMatchObject([{ file: log, what: expect.stringContaining('49 writes were kept') as string }]);
    expect((await readFile(join(keep(), log))).equals(damaged)).toBe(true);
    expect(await lostOf(150)).toHaveLength(1);
  });

  it('has all of its log up to where it is zero, and tells what is lost by its bytes', async () => {
    await fill(100, 50, 'closed');
    const log = await fileLike(/\.log$/);
    const path = join(location, log);
    const { size } = await stat(path);
    await truncate(path, 50_000);
    await truncate(path, size);
    const [loss, ...others] = await mendStore(location, keep());
    expect(others).toEqual([]);
    expect(loss).toMatchObject({ file: log });
    const [, from, to] = /^lost the writes from byte (\d+) to (\d+); 24 writes were kept$/.exec(loss?.what ?? '') ?? [];
    expect([Number(from) < 50_000, Number(to)]).toEqual([true, size]);
    expect(await lostOf(150)).toHaveLength(26);
    // What it was known to have is not asked of the log that was made of it.
    expect(await mendStore(location, keep())).toEqual([]);
  });

  it('is empty and can be used where its only log was emptied', async () => {
    await fill(0, 50, 'closed');
    const log = await fileLike(/\.log$/);
    await truncate(join(location, log), 0);
    expect(await mendStore(location, keep())).toMatchObject([{ file: log }]);
    expect(await lostOf(50)).toHaveLength(50);
  });

  it('has all of a table but the blocks that cannot be read', async () => {
    await fill(2000);
    const table = await fileLike(/\.ldb$/);
    await flip(table, 100);
    await flip(table, 30_000);
    const [loss] = await mendStore(location, keep());
    expect(loss).toMatchObject({ file: table, what: expect.stringMatching(/lost 2 of its \d+ blocks/) as string });
    const lost = await lostOf(2050);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(20);
  });

  it('has everything else when a table is gone', async () => {
    await fill(2000);
    const table = await fileLike(/\.ldb$/);
    const tables = (await readdir(location)).filter((name) => name.endsWith('.ldb')).length;
    await rm(join(location, table));
    expect(await mendStore(location, keep())).toHaveLength(1);
    const lost = await lostOf(2050);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan((2050 / tables) * 10);
  });

  it('has everything when only CURRENT is gone', async () => {
    await fill(2000);
    await rm(join(location, 'CURRENT'));
    await mendStore(location, keep());
    expect(await lostOf(2050)).toEqual([]);
  });

  it('has everything when only the manifest is gone, from tables and logs alone', async () => {
    await fill(2000);
    const manifest = await fileLike(/^MANIFEST/);
    await rm(join(location, manifest));
    await mendStore(location, keep());
    expect(await lostOf(2050)).toEqual([]);
  });

  it('is without what is damaged in logs and tables, also when the manifest is gone', async () => {
    await fill(2000);
    const table = await fileLike(/\.ldb$/);
    await flip(table, 100);
    await flip(await fileLike(/\.log$/), 50_000);
    await rm(join(location, await fileLike(/^MANIFEST/)));
    const losses = await mendStore(location, keep());
    expect(losses.map(({ file }) => file)).toContain(table);
    const lost = await lostOf(2050);
    expect(lost.length).toBeGreaterThan(1);
    expect(lost.length).toBeLessThan(20);
  });

  it('is not touched while another process has it', async () => {
    const holder = new ClassicLevel(location);
    await holder.open();
    await expect(openLevelStore(location)).rejects.toMatchObject({ code: 'PS_BROKER_STORE_LOCKED' });
    await holder.close();
  });
});
