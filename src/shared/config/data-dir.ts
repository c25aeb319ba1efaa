import { existsSync, mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../errors.js';
import { ConfigError } from './errors.js';

/**
 * Makes the data folder and those above it, and makes sure that something can be written in it. One by one: where a
 * file system answers ENOENT to who makes a folder, as /proc does, `recursive` tries again for ever.
 * @param write writes the first of what is to be kept there
 * @throws ConfigError PS_CONFIG_INVALID
 */
export function makeDataDir(dataDir: string, write: () => void = () => {}): void {
  const missing: string[] = [];
  for (let at = resolve(dataDir); !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.push(at);
  try {
    for (const folder of missing.reverse()) makeFolder(folder);
    rmdirSync(mkdtempSync(join(dataDir, '.writable-')));
    write();
  } catch (cause) {
    throw new ConfigError('PS_CONFIG_INVALID', `dataDir: nothing can be kept in ${dataDir}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Somebody else made it in the meantime.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
