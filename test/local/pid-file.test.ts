import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimDataDir } from '../../src/local/index.js';
import { createTempDir } from '../helpers/parts.js';

const dir = createTempDir('pid');
const file = join(dir.path, 'penstock.pid');
afterEach(() => dir.remove());
beforeEach(() => void mkdirSync(dir.path, { recursive: true }));

const holder = () => Number.parseInt(readFileSync(file, 'utf8'), 10);

/** Above the largest process id that Linux gives. */
const NOBODY = 5_000_000;

test('a folder is claimed, given back, and claimed again', () => {
  const release = claimDataDir(dir.path, process.pid);
  expect(holder()).toBe(process.pid);
  expect(readdirSync(dir.path)).toEqual(['penstock.pid']);
  release();
  expect(existsSync(file)).toBe(false);
  claimDataDir(dir.path, process.pid)();
});

test('a folder is in use while the process that claimed it lives, also when it was moved', () => {
  const parent = claimDataDir(dir.path, process.ppid);
  const inUse = expect.objectContaining({ code: 'PS_LOCAL_RUNNING' });
  expect(() => claimDataDir(dir.path, process.pid)).toThrow(inUse);
  const moved = `${dir.path}-moved`;
  renameSync(dir.path, moved);
  expect(() => claimDataDir(moved, process.pid)).toThrow(inUse);
  renameSync(moved, dir.path);
  parent();
  expect(readdirSync(dir.path)).toEqual([]);
});

test('a copy of a folder that is in use is free', () => {
  const release = claimDataDir(dir.path, process.ppid);
  const copy = createTempDir('pid-copy');
  cpSync(dir.path, copy.path, { recursive: true });
  claimDataDir(copy.path, process.pid)();
  copy.remove();
  release();
});

test.each([
  ['a process that is gone', (claim: string) => claim.replace(/^.*/, String(NOBODY))],
  ['a process whose id another one has now', (claim: string) => claim.replace(/\n.*\n/, '\nlong ago\n')],
  ['a write that was cut off', () => ''],
])('what %s left behind is no claim', (_, left) => {
  claimDataDir(dir.path, process.ppid);
  writeFileSync(file, left(readFileSync(file, 'utf8')));
  // And of one that was killed while it took the place of that.
  writeFileSync(`${file}.turn`, readFileSync(file));
  const release = claimDataDir(dir.path, process.pid);
  expect(holder()).toBe(process.pid);
  expect(readdirSync(dir.path)).toEqual(['penstock.pid']);
  release();
});

test('a folder that cannot be made is said to be no place for data, as by each part that is started alone', () => {
  mkdirSync(dir.path, { recursive: true });
  writeFileSync(join(dir.path, 'file'), '');
  expect(() => claimDataDir(join(dir.path, 'file', 'data'), process.pid)).toThrow(
    expect.objectContaining({ code: 'PS_CONFIG_INVALID', message: expect.stringContaining('ENOTDIR') }),
  );
});
