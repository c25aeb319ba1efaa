import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AmqpPlace } from './amqp-load.js';
import type { Parts } from './parts.js';

export const QUEUE = 'bench';
export const HUB = 'events';
export const TOPIC = 'orders';

const subscription = (Name: string, SqlExpression: string) => ({
  Name,
  Properties: { DefaultMessageTimeToLive: 'P14D' },
  Rules: [{ Name: 'only', Properties: { FilterType: 'Sql', SqlFilter: { SqlExpression } } }],
});

/** The subscriptions of the template that ships with Penstock: a purchase goes to two of the four. */
const topic = {
  Name: TOPIC,
  Properties: { RequiresDuplicateDetection: true, DuplicateDetectionHistoryTimeWindow: 'PT13H' },
  Subscriptions: [
    subscription('retention-campaign', "type = 'churn_scored' AND churnScore >= 0.7"),
    subscription('profile-writer', "type = 'churn_scored'"),
    subscription('analytics-forwarder', "type IN ('purchase', 'refund')"),
    subscription('audit', '1=1'),
  ],
};

/** Entities of the bench, as the official emulators' Config.json has them. */
const topology = {
  UserConfig: {
    Namespaces: [
      {
        Name: 'bench',
        Queues: [{ Name: QUEUE, Properties: { DefaultMessageTimeToLive: 'P14D' } }],
        Topics: [topic],
      },
    ],
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
