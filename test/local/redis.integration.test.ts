import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findFreePort, redisProcess, redisUrl, startProcess } from '../../src/local/index.js';
import { createTempDir, runPart } from '../helpers/parts.js';
import { waitFor } from '../helpers/wait.js';

const dir = createTempDir('redis-damage');
const whole = join(dir.path, 'whole');
const data = join(dir.path, 'data');
const files = join(data, 'appendonlydir');
let port: number;
const options = (folder: string) => ({
  dir: folder,
  port,
  password: 'a-password',
  searchPath: process.env['PATH'] ?? '',
});

/** What a Redis leaves that has some keys in the base of its append-only file and some behind it. */
beforeAll(async () => {
  port = await findFreePort();
  mkdirSync(whole);
  const part = await runPart(redisProcess(options(whole)));
  const client = new Redis(redisUrl(options(whole)));
  const fill = async (name: string) => {
    for (let index = 0; index < 100; index++) await client.set(`${name}-${index}`, 'a value');
  };
  await fill('before');
  await client.bgrewriteaof();
  await waitFor('the base', async () =>
    /rewrite_in_progress:0\s+aof_rewrite_scheduled:0/.test(await client.info('persistence')),
  );
  await fill('after');
  client.disconnect();
  await part.signal('SIGTERM');
});
afterAll(() => dir.remove());
beforeEach(() => {
  rmSync(data, { recursive: true, force: true });
  cpSync(whole, data, { recursive: true });
});

const fileOf = (kind: string) => join(files, readdirSync(files).find((name) => name.endsWith(kind)) as string);
const overwrite = (file: string, at: number) => writeFileSync(file, readFileSync(file).fill(0, at, at + 100));

test.each([
  ['the base is cut', () => truncateSync(fileOf('.base.rdb'), 1_000)],
  ['the base is zero in its middle', () => overwrite(fileOf('.base.rdb'), 500)],
  ['the base is zero at its begin', () => overwrite(fileOf('.base.rdb'), 0)],
  ['the base is missing', () => rmSync(fileOf('.base.rdb'))],
  ['the log is zero in its middle', () => overwrite(fileOf('.incr.aof'), 1_000)],
  ['the log ends in zeros', () => appendFileSync(fileOf('.incr.aof'), Buffer.alloc(100))],
  ['the log is missing', () => rmSync(fileOf('.incr.aof'))],
  ['the list of the files is cut', () => truncateSync(fileOf('.manifest'), 80)],
  ['the list of the files is empty', () => truncateSync(fileOf('.manifest'), 0)],
])('of a Redis that cannot start, since %s, it is told what may be done about which files', async (_how, damage) => {
  damage();
  const part = startProcess(redisProcess(options(data)), process.env, () => {});
  await part.ended;
  expect(part.hopeless()).toContain(`bring ${files} back from a copy, or move it away`);
});

test('a Redis whose log was cut off, as a crash leaves it, starts', async () => {
  const log = fileOf('.incr.aof');
  truncateSync(log, readFileSync(log).length - 3);
  const part = startProcess(redisProcess(options(data)), process.env, () => {});
  await part.ready;
  expect(part.hopeless()).toBeUndefined();
  part.signal('SIGTERM');
  await part.ended;
});
