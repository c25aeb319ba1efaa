import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openLogFile } from '../../src/local/index.js';
import { createTempDir } from '../helpers/parts.js';

const dir = createTempDir('log');
afterAll(() => dir.remove());

test('the log is bounded: what is full becomes the file before, and the one before that is gone', () => {
  const log = openLogFile(join(dir.path, 'bounded'), 10);
  for (const line of ['first line', 'second line', 'third line']) log.write(line);
  log.close();
  expect(readFileSync(log.path, 'utf8')).toBe('third line\n');
  expect(readFileSync(`${log.path}.1`, 'utf8')).toBe('second line\n');
});

test.runIf(process.platform === 'linux')('a full disk costs lines of the log, and ends nobody', () => {
  const folder = join(dir.path, 'full');
  mkdirSync(folder);
  symlinkSync('/dev/full', join(folder, 'penstock.ndjson'));
  const log = openLogFile(folder);
  expect(() => log.write('a line')).not.toThrow();
  log.close();
});
