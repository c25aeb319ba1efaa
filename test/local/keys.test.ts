import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureLocalKeys } from '../../src/local/index.js';
import { createTempDir } from '../helpers/parts.js';

const dir = createTempDir('local-keys');
const file = join(dir.path, 'keys.json');
beforeEach(() => void mkdirSync(dir.path, { recursive: true }));
afterEach(() => dir.remove());

test('keys are made once, and kept', () => {
  const made = ensureLocalKeys(dir.path);
  expect(made).toMatchObject({ areNew: true, file });
  expect(ensureLocalKeys(dir.path)).toEqual({ ...made, areNew: false });
});

test.each([
  ['empty', () => truncateSync(file, 0)],
  ['cut', () => truncateSync(file, 100)],
  ['zero', () => writeFileSync(file, Buffer.alloc(200))],
  ['without one of the keys', () => writeFileSync(file, '{"writeKey":"wk_0123456789abcdef"}')],
])('a file of keys that is %s is told of by its name, without a key, and stays as it is', (_how, damage) => {
  const { writeKey } = ensureLocalKeys(dir.path);
  damage();
  const damaged = readFileSync(file);
  const refused = () => ensureLocalKeys(dir.path);
  expect(refused).toThrow(expect.objectContaining({ code: 'PS_LOCAL_KEYS_FILE' }));
  expect(refused).toThrow(file);
  expect(refused).not.toThrow(writeKey);
  expect(readFileSync(file)).toEqual(damaged);
});
