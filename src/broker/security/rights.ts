import { createHash, timingSafeEqual } from 'node:crypto';

/** What a shared access authorization rule may allow. Whoever may manage may also listen and send. */
export const RIGHTS = ['Listen', 'Send', 'Manage'] as const;
export type Right = (typeof RIGHTS)[number];

/** A shared access authorization rule of the namespace or of one entity, with its keys. */
export interface AccessRule {
  readonly name: string;
  /** Lower-case path of the entity; empty for the namespace. */
  readonly scope: string;
  readonly rights: readonly Right[];
  /** Primary and, where there is one, secondary. */
  readonly keys: readonly string[];
}

/** Looks for rules by name, whatever they are for. The key is text; its UTF-8 bytes key the HMAC. */
export interface SasKeys {
  named(name: string): readonly AccessRule[];
}

/** `further` finds rules that come and go while the broker runs. */
export function createSasKeys(
  rules: readonly AccessRule[],
  further: (name: string) => readonly AccessRule[] = () => [],
): SasKeys {
  const byName = new Map<string, AccessRule[]>();
  for (const rule of rules) byName.set(rule.name, [...(byName.get(rule.name) ?? []), rule]);
  return { named: (name) => [...(byName.get(name) ?? []), ...further(name)] };
}

export const allows = (rights: readonly Right[], right: Right | undefined): boolean =>
  right === undefined ? rights.length > 0 : rights.includes(right) || rights.includes('Manage');

/** Whether a path is `scope` or below it, by whole segments. Both are in lower case. */
export const isWithin = (path: string, scope: string): boolean =>
  scope === '' || path === scope || path.startsWith(`${scope}/`);

const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();

/** The rules of that name with that key, where a client shows the key itself. */
export function rulesProvedBy(keys: SasKeys, name: string, key: string): readonly AccessRule[] {
  const given = digest(key);
  const named = keys.named(name);
  // Compared also when there is no such name, so that names cannot be told by time.
  if (named.length === 0) timingSafeEqual(given, digest(''));
  return named.filter((rule) => rule.keys.filter((one) => timingSafeEqual(given, digest(one))).length > 0);
}
