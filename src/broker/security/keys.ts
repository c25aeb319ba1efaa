import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SecurityError } from './errors.js';
import { readIfThere, writeWhole } from './files.js';
import { type AccessRule, RIGHTS, type Right } from './rights.js';

/** The key that a namespace of Azure has from the start, with all rights. */
const ROOT_KEY_NAME = 'RootManageSharedAccessKey';

const KEY_BYTES = 32;

const keySchema = z.string().min(1).max(256);
/** `name` for the namespace, `path/of/entity/name` for an entity. A bare key has all rights. */
const keysSchema = z
  .record(
    z.string().regex(/^(?:[A-Za-z0-9._$~-]{1,260}\/){0,8}[A-Za-z0-9._-]{1,256}$/),
    z.union([
      keySchema,
      z.strictObject({
        key: keySchema,
        secondaryKey: keySchema.optional(),
        rights: z.array(z.enum(RIGHTS)).min(1),
      }),
    ]),
  )
  .refine((keys) => typeof keys[ROOT_KEY_NAME] === 'string', `${ROOT_KEY_NAME} is missing`);

type KeysFile = z.infer<typeof keysSchema>;

/** A rule that has to be there; its key is made where it has none yet. */
export interface DeclaredRule {
  readonly name: string;
  /** Path of the entity; empty for the namespace. */
  readonly scope: string;
  readonly rights: readonly Right[];
}

interface AccessKeys {
  readonly rules: readonly AccessRule[];
  /** Name and key of the connection string. */
  readonly root: { readonly name: string; readonly key: string };
  readonly file: string;
  /** There was no file of keys: all of them are new. */
  readonly areNew: boolean;
}

function parseKeys(path: string, text: string): KeysFile {
  try {
    return keysSchema.parse(JSON.parse(text));
  } catch (cause) {
    const advice = 'bring it back from a copy, or remove it: then new keys are made, which clients have to be given';
    throw new SecurityError('PS_SECURITY_KEYS_FILE', `${path} is not a file of access keys: ${advice}`, { cause });
  }
}

const newKey = () => randomBytes(KEY_BYTES).toString('base64');

function toRule(id: string, value: KeysFile[string]): AccessRule {
  const slash = id.lastIndexOf('/');
  const [name, scope] = [id.slice(slash + 1), id.slice(0, Math.max(0, slash)).toLowerCase()];
  if (typeof value === 'string') return { name, scope, rights: [...RIGHTS], keys: [value] };
  const keys = value.secondaryKey === undefined ? [value.key] : [value.key, value.secondaryKey];
  return { name, scope, rights: value.rights, keys };
}

/** The file with every declared rule in it, under the rights that were declared; the same object when nothing changes. */
function withDeclared(file: KeysFile, declared: readonly DeclaredRule[]): KeysFile {
  let result = file;
  const ids = new Map(Object.keys(file).map((id) => [id.toLowerCase(), id]));
  for (const { name, scope, rights } of declared) {
    const wanted = scope === '' ? name : `${scope}/${name}`;
    const id = ids.get(wanted.toLowerCase()) ?? wanted;
    const known = result[id];
    if (typeof known === 'string') continue;
    const sorted = [...rights].sort();
    if (known !== undefined && [...known.rights].sort().join() === sorted.join()) continue;
    result = { ...result, [id]: { ...known, key: known?.key ?? newKey(), rights: sorted } };
  }
  return result;
}

/**
 * The shared access keys of this broker: `<dir>/access-keys.json`, made at the first start, readable by its owner only.
 * Keys of declared rules are added to it.
 * @throws SecurityError PS_SECURITY_KEYS_FILE when the file is damaged: making new keys would lock every client out.
 */
export function ensureKeys(dir: string, declared: readonly DeclaredRule[] = []): AccessKeys {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, 'access-keys.json');
  const existing = readIfThere(path);
  const file = existing === undefined ? { [ROOT_KEY_NAME]: newKey() } : parseKeys(path, existing);
  const complete = withDeclared(file, declared);
  if (existing === undefined || complete !== file) {
    writeWhole(path, `${JSON.stringify(complete, null, 2)}\n`, 'owner-only');
  }
  return {
    rules: Object.entries(complete).map(([id, value]) => toRule(id, value)),
    root: { name: ROOT_KEY_NAME, key: complete[ROOT_KEY_NAME] as string },
    file: path,
    areNew: existing === undefined,
  };
}
