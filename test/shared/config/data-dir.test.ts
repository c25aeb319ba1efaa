import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makeDataDir } from '../../../src/shared/config/index.js';
import { createTempDir } from '../../helpers/parts.js';

const dir = createTempDir('data-dir');
afterEach(dir.remove);

test('a data folder is made with those above it, for its owner alone, and is empty', () => {
  const folder = join(dir.path, 'a', 'b');
  makeDataDir(folder);
  makeDataDir(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder)).toEqual([]);
});

test('one in which nothing can be kept is refused at once, and named', () => {
  const file = join(dir.path, 'a-file');
  makeDataDir(dir.path);
  writeFileSync(file, '');
  for (const folder of [file, join(file, 'below'), '/proc', '/proc/below', '/proc/far/below']) {
    expect(() => makeDataDir(folder)).toThrow(
      expect.objectContaining({ code: 'PS_CONFIG_INVALID', message: expect.stringContaining(folder) }),
    );
  }
});
