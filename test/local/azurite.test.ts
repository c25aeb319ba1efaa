import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { azuriteProcess } from '../../src/local/index.js';
import { createTempDir } from '../helpers/parts.js';

const dir = createTempDir('azurite-damage');
const extents = join(dir.path, '__blobstorage__');
const start = () => azuriteProcess({ dir: dir.path, port: 0, accountKey: 'a2V5' });
beforeEach(() => void mkdirSync(extents, { recursive: true }));
afterEach(() => dir.remove());

describe.each(['__azurite_db_blob__.json', '__azurite_db_blob_extent__.json'])(
  '%s of the local blob service',
  (name) => {
    const index = join(dir.path, name);
    beforeEach(() => {
      for (const each of ['__azurite_db_blob__.json', '__azurite_db_blob_extent__.json'])
        writeFileSync(join(dir.path, each), '{"collections":[]}');
      writeFileSync(join(extents, 'an-extent'), 'a blob');
    });

    test('starts when it is whole', () => {
      expect(start().name).toBe('azurite');
    });

    test.each([
      ['missing', () => rmSync(index)],
      ['empty', () => truncateSync(index, 0)],
      ['cut', () => truncateSync(index, 9)],
      ['zero at its end', () => writeFileSync(index, '{"collections":\0\0\0')],
    ])('keeps it from starting when it is %s while there are blobs', (_how, damage) => {
      damage();
      expect(start).toThrow(expect.objectContaining({ code: 'PS_LOCAL_STORAGE_CORRUPT', facts: { file: index } }));
      expect(start).toThrow(index);
    });

    test('may be missing before there are blobs', () => {
      rmSync(index);
      writeFileSync(join(extents, 'an-extent'), '');
      expect(start().name).toBe('azurite');
    });
  },
);
