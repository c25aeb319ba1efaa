import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHubPublisher, createTopicPublisher } from '../../../src/messaging/index.js';
import { startTestBroker, type TestBroker } from '../../helpers/broker.js';
import { startProxy, type TestProxy } from '../../helpers/proxy.js';
import { withPort } from './line.js';

describe('a broker that takes connections and answers nothing', () => {
  let broker: TestBroker;
  let proxy: TestProxy;
  beforeAll(async () => {
    broker = await startTestBroker();
    proxy = await startProxy(Number(/:(\d+)/.exec(broker.connectionString)?.[1]));
  });
  afterAll(async () => {
    await proxy.stop();
    await broker.remove();
  });

  const timeoutMs = 500;
  const open = {
    hub: (connectionString: string) => {
      const publisher = createHubPublisher({ connectionString }, 'clicks', { timeoutMs });
      return { ask: () => publisher.describe(), close: publisher.close };
    },
    topic: (connectionString: string) => {
      const publisher = createTopicPublisher({ connectionString }, 'events', { timeoutMs });
      return { ask: () => publisher.probe(), close: publisher.close };
    },
  };

  it.each(['hub', 'topic'] as const)(
    'is away for who has been connected to its %s, and there when it goes on',
    async (kind) => {
      const { ask, close } = open[kind](withPort(broker.connectionString, proxy.port));
      await expect
        .poll(
          () =>
            ask().then(
              () => 'there',
              () => 'away',
            ),
          { timeout: 20_000 },
        )
        .toBe('there');
      proxy.hold('up');
      await expect(ask()).rejects.toMatchObject({ code: 'PS_PUBLISH_TIMEOUT' });
      await expect(ask()).rejects.toMatchObject({ code: 'PS_PUBLISH_TIMEOUT' });
      proxy.release();
      await expect
        .poll(
          () =>
            ask().then(
              () => 'there',
              () => 'away',
            ),
          { timeout: 20_000 },
        )
        .toBe('there');
      await close();
    },
  );
});
