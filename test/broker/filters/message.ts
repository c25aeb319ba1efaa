import type { FilterableMessage, SystemProperty } from '../../../src/broker/filters/index.js';
import type { FilterValue } from '../../../src/broker/topology/types.js';

/** A message as filters see it: application properties, and the system properties that are set (the others are null). */
export function message(
  user: Readonly<Record<string, FilterValue>> = {},
  system: Partial<Record<SystemProperty, FilterValue>> = {},
): FilterableMessage {
  const properties = new Map(Object.entries(user).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    system: (name) => system[name] ?? null,
    property: (name) => properties.get(name.toLowerCase()),
  };
}
