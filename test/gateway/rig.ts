import { createGateway, type GatewayOptions, type openSpoolStore } from '../../src/gateway/index.js';
import type { Protocol } from '../../src/gateway/protocols/protocol.js';
import type { OpenJournal } from '../../src/gateway/recall/index.js';
import { configSchema } from '../../src/shared/config/index.js';
import { createLogger, type Logger } from '../../src/shared/logger.js';
import { createManualClock, type ManualClock } from '../helpers/manual-clock.js';
import { createMemoryBrokers } from './memory-brokers.js';

export const WRITE_KEY = 'a-write-key';

export interface Result {
  readonly id: string | null;
  readonly outcome: string;
  readonly durability?: string;
  readonly reason?: string;
  readonly path?: string;
  readonly retryable?: boolean;
}

type BrokerOptions = Parameters<typeof createMemoryBrokers>[0];

export interface GatewayWorld {
  readonly brokers: ReturnType<typeof createMemoryBrokers>;
  readonly clock: ManualClock;
  readonly openJournal?: OpenJournal;
}

export const createGatewayWorld = (brokers?: BrokerOptions): GatewayWorld => ({
  brokers: createMemoryBrokers(brokers),
  clock: createManualClock(Date.UTC(2026, 10, 21, 12)),
});

/** The gateway over brokers in memory, reached by injected requests: no sockets and a clock that stands still. */
export async function createGatewayRig(
  options: {
    limits?: Partial<GatewayOptions['limits']>;
    brokers?: BrokerOptions;
    down?: boolean;
    protocols?: readonly Protocol[];
    gateway?: Partial<GatewayOptions>;
    logger?: Logger;
    /** The disk of its spool; without one it has none. */
    openSpoolStore?: () => ReturnType<typeof openSpoolStore>;
    /** What outlives a gateway: given to the next one, it has been started again. */
    world?: GatewayWorld;
  } = {},
) {
  const defaults = configSchema.parse({}).gateway;
  const { brokers, clock, openJournal } = options.world ?? createGatewayWorld(options.brokers);
  if (options.down) {
    brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
    brokers.state.topicFailure = 'PS_PUBLISH_UNAVAILABLE';
  }
  const gateway = await createGateway(
    {
      clock,
      random: () => 0.5,
      logger: options.logger ?? createLogger('test', 'silent'),
      openHub: brokers.openHub,
      openTopic: brokers.openTopic,
      ...(options.openSpoolStore === undefined ? {} : { openSpoolStore: options.openSpoolStore }),
      ...(openJournal === undefined ? {} : { openJournal }),
      ...(options.protocols === undefined ? {} : { protocols: options.protocols }),
      saltOf: (day) => Buffer.from(day),
    },
    {
      ...defaults,
      sources: [{ name: 'shop', writeKey: WRITE_KEY }],
      ...options.gateway,
      limits: { ...defaults.limits, ...options.limits },
    },
  );
  const post = (payload: string | Buffer | object, headers: Record<string, string> = {}) =>
    gateway.app.inject({
      method: 'POST',
      url: '/v1/events',
      headers: { authorization: `Bearer ${WRITE_KEY}`, 'content-type': 'application/json', ...headers },
      payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
    });
  return {
    brokers,
    clock,
    gateway,
    app: gateway.app,
    post,
    /** Moves the clock, and lets everything run that fell due and its promises. */
    async passTime(ms: number) {
      clock.advance(ms);
      await new Promise((resolve) => setImmediate(resolve));
    },
    /** Posts, expects 200, and gives the results. */
    async results(payload: string | Buffer | object, headers: Record<string, string> = {}): Promise<readonly Result[]> {
      const response = await post(payload, headers);
      if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${response.body}`);
      return response.json<{ results: Result[] }>().results;
    },
  };
}
