import type { HubPublisher } from '../messaging/index.js';
import type { Clock } from '../shared/clock.js';
import { type Config, ConfigError } from '../shared/config/index.js';
import type { Logger } from '../shared/logger.js';
import { createAudit } from './audit/audit.js';
import type { Consumer } from './consumer.js';
import { ConsumerError } from './errors.js';
import { createLiveFigures } from './live-figures/live-figures.js';
import { createRetentionCampaign } from './retention-campaign/retention-campaign.js';

export interface ConsumerDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly fetch: typeof globalThis.fetch;
  /** A publisher of the hub, which is the consumer's own to close. */
  readonly openHub: () => HubPublisher;
}

type Create = (config: Config, deps: ConsumerDeps) => Consumer;

/** Every subscriber, by name; the subscription of the topic has the same name. */
const catalogue: ReadonlyMap<string, Create> = new Map<string, Create>([
  ['audit', ({ dataDir }, deps) => createAudit({ ...deps, dataDir })],
  ['live-figures', (_config, deps) => createLiveFigures({ ...deps, hub: deps.openHub() })],
  [
    'retention-campaign',
    ({ retentionCampaign: { webhookUrl, timeoutMs } }, deps) => {
      if (webhookUrl === undefined) {
        throw new ConfigError('PS_CONFIG_MISSING', 'retention-campaign: set PENSTOCK_RETENTION_WEBHOOK_URL');
      }
      return createRetentionCampaign(deps, { webhookUrl, timeoutMs });
    },
  ],
]);

export const consumerNames: readonly string[] = [...catalogue.keys()];

/**
 * @throws ConsumerError PS_CONSUMER_UNKNOWN, naming those there are; ConfigError PS_CONFIG_MISSING when the consumer
 * lacks a setting.
 */
export function createConsumer(name: string, config: Config, deps: ConsumerDeps): Consumer {
  const create = catalogue.get(name);
  if (create === undefined) {
    throw new ConsumerError('PS_CONSUMER_UNKNOWN', `no consumer "${name}"; there are: ${consumerNames.join(', ')}`);
  }
  return create(config, deps);
}
