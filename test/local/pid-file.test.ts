import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { claimDataDir } from '../../src/local/index.js';
import { createTempDir } from '../helpers/parts.js';

const dir = createTempDir('pid');
const file = join(dir.path, 'penstock.pid');
afterEach(dir.remove);

/** Above the largest process id that Linux gives. */
const NOBODY = 5_000_000;

test('a folder is claimed, given back, and claimed again', () => {
  const release = claimDataDir(dir.path, process.pid);
  expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
  expect(readdirSync(dir.path)).toEqual(['penstock.pid']);
  release();
  expect(existsSync(file)).toBe(false);
  claimDataDir(dir.path, process.pid)();
});

test.each([
  ['a process that is gone', `${NOBODY}\n`],
  ['a write that was cut off', ''],
])('what %s left behind is no claim', (_, left) => {
  claimDataDir(dir.path, process.pid)();
  writeFileSync(file, left);
  claimDataDir(dir.path, process.pid);
  expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
});

test('a folder that cannot be made is said to be no place for data, as by each part that is started alone', () => {
  mkdirSync(dir.path, { recursive: true });
  writeFileSync(join(dir.path, 'file'), '');
  expect(() => claimDataDir(join(dir.path, 'file', 'data'), process.pid)).toThrow(
    expect.objectContaining({ code: 'PS_CONFIG_INVALID', message: expect.stringContaining('ENOTDIR') }),
  );
});
