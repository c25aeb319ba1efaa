import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { LocalError } from './errors.js';

const keysSchema = z.strictObject({
  writeKey: z.string().min(16),
  redisPassword: z.string().min(16),
  storageKey: z.string().min(16),
});

export type LocalKeys = z.infer<typeof keysSchema>;

interface KeptKeys extends LocalKeys {
  readonly file: string;
  /** There was no file of keys: all of them are new. */
  readonly areNew: boolean;
}

/**
 * The secrets of one data folder: made at the first start, then kept, so that clients need no new ones.
 * @throws LocalError PS_LOCAL_KEYS_FILE when the file is damaged: making a new write key would lock every client out.
 */
export function ensureLocalKeys(dataDir: string): KeptKeys {
  const file = join(dataDir, 'keys.json');
  if (existsSync(file)) return { ...readKeys(file), file, areNew: false };
  const keys: LocalKeys = {
    writeKey: `wk_${randomBytes(18).toString('base64url')}`,
    redisPassword: randomBytes(24).toString('base64url'),
    storageKey: randomBytes(64).toString('base64'),
  };
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.tmp`, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.tmp`, file);
  return { ...keys, file, areNew: true };
}

function readKeys(file: string): LocalKeys {
  try {
    return keysSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // The cause stays here: it may quote a key.
    const advice =
      'bring it back from a copy, or remove it: then a new write key is made, which clients have to be told';
    throw new LocalError('PS_LOCAL_KEYS_FILE', `${file} is damaged: ${advice}`);
  }
}
