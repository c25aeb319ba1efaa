import { appendFileSync } from 'node:fs';
import { cp, mkdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSpoolStore } from '../../../src/gateway/spool/store.js';
import { createSyncedNote, readSynced } from '../../../src/shared/leveldb/synced.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { createTempDir } from '../../helpers/parts.js';
import { waitFor } from '../../helpers/wait.js';

const dir = createTempDir('synced');
const log = join(dir.path, '000007.log');
beforeEach(() => mkdir(dir.path, { recursive: true }));
afterEach(() => dir.remove());

const write = (bytes: number) => async () => appendFileSync(log, Buffer.alloc(bytes, 1));
const noted = async () => (await readSynced(dir.path))?.bytes;

test('the last of some writes is noted too, though none comes after it', async () => {
  const clock = createManualClock();
  const note = await createSyncedNote(dir.path, clock);
  await note.around(write(10));
  expect(await noted()).toBe(10);
  await note.around(write(5));
  await note.around(write(5));
  expect(await noted()).toBe(10);
  clock.advance(100);
  await waitFor('the note', async () => (await noted()) === 20);
  expect(clock.pending).toBe(0);
  await note.close();
});

test('nothing is noted while something is being written, nor of a write that failed', async () => {
  const clock = createManualClock();
  const note = await createSyncedNote(dir.path, clock);
  await note.around(write(10));
  await note.around(write(5));
  await note
    .around(async () => {
      await write(7)();
      clock.advance(100);
      throw new Error('the disk is full');
    })
    .catch(() => {});
  await note.close();
  expect(await noted()).toBe(10);
});

test('a spool that was quiet before it was killed tells of the end that its log has lost', async () => {
  const location = join(dir.path, 'spool');
  const copy = join(dir.path, 'copy');
  const killed = await openSpoolStore(location);
  for (let index = 0; index < 5; index++) await killed.write([{ key: `k${index}`, value: Buffer.alloc(500, 1) }]);
  const size = 5 * 500;
  await waitFor('the note', async () => ((await readSynced(location))?.bytes ?? 0) > size);
  await cp(location, copy, { recursive: true });
  await killed.close();
  const name = (await readSynced(copy))?.log ?? '';
  await truncate(join(copy, name), 1300);
  const told: string[] = [];
  const next = await openSpoolStore(copy, ({ losses }) => told.push(...losses.map(({ file }) => file)));
  expect(told).toEqual([name]);
  await next.close();
});
