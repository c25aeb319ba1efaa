import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSaltStore } from '../../../src/gateway/index.js';
import { createLogger, type Logger } from '../../../src/shared/logger.js';

const logger = createLogger('test', 'silent');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-salt-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('all gateways of a folder have the salt of a day in common, over restarts too', () => {
  const salt = createSaltStore(folder, logger)('2026-11-21');
  expect(salt).toHaveLength(32);
  expect(createSaltStore(folder, logger)('2026-11-21')).toEqual(salt);
  expect(statSync(join(folder, '2026-11-21')).mode & 0o077).toBe(0);
});

test('the next day has another salt, and that of the day before is gone from the disk', () => {
  const saltOf = createSaltStore(folder, logger);
  const yesterday = saltOf('2026-11-21');
  expect(saltOf('2026-11-22')).not.toEqual(yesterday);
  expect(readdirSync(folder)).toEqual(['2026-11-22']);
});

test('what a gateway that was killed left half-made is no salt, and goes with its day', () => {
  writeFileSync(join(folder, '2026-11-21.77.abcd.tmp'), 'half');
  expect(createSaltStore(folder, logger)('2026-11-21')).toHaveLength(32);
  createSaltStore(folder, logger)('2026-11-22');
  expect(readdirSync(folder)).toEqual(['2026-11-22']);
});

test('a folder that cannot be used costs no event: the salt is in memory then', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(createSaltStore(join(folder, 'file'), logger)('2026-11-21')).toHaveLength(32);
});

test.each([0, 16, 32])('a salt of which %i zeros are left is told of, and another is kept for the day', (bytes) => {
  const path = join(folder, '2026-11-21');
  writeFileSync(path, Buffer.alloc(bytes));
  const warned: unknown[] = [];
  const telling = { ...logger, warn: (facts: unknown) => warned.push(facts) } as unknown as Logger;
  const salt = createSaltStore(folder, telling)('2026-11-21');
  expect(createSaltStore(folder, telling)('2026-11-21')).toEqual(salt);
  expect(warned).toEqual([{ file: path }]);
});
