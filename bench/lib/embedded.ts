import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AmqpPlace } from './amqp-load.js';
import type { Parts } from './parts.js';

export const QUEUE = 'bench';
export const HUB = 'events';

/** Entities of the bench, as the official emulators' Config.json has them. */
const topology = {
  UserConfig: {
    Namespaces: [{ Name: 'bench', Queues: [{ Name: QUEUE, Properties: { DefaultMessageTimeToLive: 'P14D' } }] }],
    NamespaceConfig: [{ Type: 'EventHub', Name: 'bench', Entities: [{ Name: HUB, PartitionCount: '4' }] }],
  },
};

/** The embedded broker with a queue and a hub. Its data stays from one start to the next. */
export async function startEmbedded(parts: Parts): Promise<AmqpPlace> {
  const template = join(parts.folder('topology'), 'Config.json');
  writeFileSync(template, JSON.stringify(topology));
  const { connectionString = '' } = await parts.role(['broker', '--template', template]);
  const part = (name: string) => new RegExp(`${name}=([^;]*)`).exec(connectionString)?.[1] ?? '';
  const endpoint = new URL(part('Endpoint').replace(/^sb:/, 'http:'));
  return {
    host: endpoint.hostname,
    port: Number(endpoint.port),
    username: part('SharedAccessKeyName'),
    password: part('SharedAccessKey'),
  };
}
