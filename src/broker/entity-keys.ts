import type { Namespace } from './namespace/index.js';
import type { AccessRule } from './security/index.js';

/** The rules of that name which queues and topics have of the administration API. */
export function entityRules(namespace: Namespace, name: string): AccessRule[] {
  const rules: AccessRule[] = [];
  for (const { record } of [...namespace.queues(), ...namespace.topics()]) {
    for (const { keyName, rights, primaryKey, secondaryKey } of record.definition.authorizationRules ?? []) {
      if (keyName !== name) continue;
      rules.push({ name, scope: record.path.toLowerCase(), rights, keys: [primaryKey, secondaryKey] });
    }
  }
  return rules;
}
