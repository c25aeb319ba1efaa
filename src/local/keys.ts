import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const keysSchema = z.strictObject({
  writeKey: z.string().min(16),
  redisPassword: z.string().min(16),
  storageKey: z.string().min(16),
});

export type LocalKeys = z.infer<typeof keysSchema>;

/** The secrets of one data folder: made at the first start, then kept, so that clients need no new ones. */
export function ensureLocalKeys(dataDir: string): LocalKeys {
  const path = join(dataDir, 'keys.json');
  if (existsSync(path)) return keysSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const keys: LocalKeys = {
    writeKey: `wk_${randomBytes(18).toString('base64url')}`,
    redisPassword: randomBytes(24).toString('base64url'),
    storageKey: randomBytes(64).toString('base64'),
  };
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.tmp`, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.tmp`, path);
  return keys;
}
