import { ConfigError } from './errors.js';
import type { Config } from './schema.js';

/**
 * One that names an entity is for that entity alone. The SDK of Event Hubs would say so with the whole string, and so
 * the key, in its error.
 */
export function checkConnectionStrings({ gateway, serviceBus, eventHubs }: Config): void {
  const routedTo = (kind: string) =>
    gateway.routes.flatMap(({ to }) => (to.startsWith(`${kind}:`) ? [to.slice(kind.length + 1)] : []));
  for (const [path, connectionString, entities] of [
    ['serviceBus', serviceBus.connectionString, [serviceBus.topic, ...routedTo('topic')]],
    ['eventHubs', eventHubs.connectionString, [eventHubs.hub, ...routedTo('hub')]],
  ] as const) {
    const only = /;\s*EntityPath\s*=\s*([^;\s]+)/i.exec(connectionString ?? '')?.[1];
    const other = only === undefined ? undefined : entities.find((entity) => entity !== only);
    if (other === undefined) continue;
    throw new ConfigError(
      'PS_CONFIG_INVALID',
      `${path}.connectionString: it is for ${only} alone, and ${other} is used`,
    );
  }
}
