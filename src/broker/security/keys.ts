import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SecurityError } from './errors.js';
import { readIfThere, writeWhole } from './files.js';
import type { SasKeys } from './sas.js';

/** The key that a namespace of Azure has from the start, with all rights. */
const ROOT_KEY_NAME = 'RootManageSharedAccessKey';

const KEY_BYTES = 32;

const keysSchema = z
  .record(z.string().regex(/^[A-Za-z0-9._-]{1,256}$/), z.string().min(1).max(256))
  .refine((keys) => keys[ROOT_KEY_NAME] !== undefined, `${ROOT_KEY_NAME} is missing`);

interface AccessKeys {
  readonly keys: SasKeys;
  /** Name and key of the connection string. */
  readonly root: { readonly name: string; readonly key: string };
}

function parseKeys(path: string, text: string): AccessKeys {
  try {
    const keys = new Map(Object.entries(keysSchema.parse(JSON.parse(text))));
    return { keys, root: { name: ROOT_KEY_NAME, key: keys.get(ROOT_KEY_NAME) as string } };
  } catch (cause) {
    throw new SecurityError('PS_SECURITY_KEYS_FILE', `${path} is not a file of access keys`, { cause });
  }
}

/**
 * The shared access keys of this broker: `<dir>/access-keys.json`, made at the first start, readable by its owner only.
 * @throws SecurityError PS_SECURITY_KEYS_FILE when the file is damaged: making new keys would lock every client out.
 */
export function ensureKeys(dir: string): AccessKeys {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, 'access-keys.json');
  const existing = readIfThere(path);
  if (existing !== undefined) return parseKeys(path, existing);
  const text = `${JSON.stringify({ [ROOT_KEY_NAME]: randomBytes(KEY_BYTES).toString('base64') }, null, 2)}\n`;
  writeWhole(path, text, 'owner-only');
  return parseKeys(path, text);
}
