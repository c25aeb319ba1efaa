import { expect, test } from 'vitest';
import { startProxy } from '../helpers/proxy.js';
import { waitFor } from '../helpers/wait.js';
import { useAggregators } from './support/aggregators.js';
import { createPageViews } from './support/page-views.js';
import type { RunningRole } from './support/role.js';

const PARTITIONS = 4;

const aggregators = useAggregators('aggregate-stop', { PENSTOCK_AGGREGATOR_SNAPSHOT_INTERVAL_MS: '300000' });

const linesOf = (role: RunningRole, message: string) =>
  role
    .output()
    .split('\n')
    .filter((line) => line.includes(`"${message}"`))
    .map((line) => JSON.parse(line) as { level: number; partitionId: string; from: number | string });

test('who is asked to stop while Redis does not answer saves what was counted, and says that it was ended', async () => {
  const views = createPageViews(aggregators.publisher);
  const redis = new URL(aggregators.redisUrl);
  const proxy = await startProxy(Number(redis.port));
  redis.port = String(proxy.port);
  const role = await aggregators.start({ PENSTOCK_REDIS_URL: redis.href });
  await waitFor('all partitions', () => linesOf(role, 'partition opened').length === PARTITIONS);
  await views.send(1);
  const shown = await waitFor('everything to be shown', async () => {
    const { counted = 0, duplicate = 0 } = await aggregators.source.readTotals();
    if (counted + duplicate !== views.sent + views.repeated) return undefined;
    // Told behind the figures.
    const health = await aggregators.source.readHealth();
    const told = [...health.values()].filter(({ sequenceNumber }) => sequenceNumber !== undefined);
    return told.length === PARTITIONS ? health : undefined;
  });
  proxy.hold('up', 'down');
  expect(await role.stop()).toBe(1);
  expect(linesOf(role, 'did not stop in time: ended')).toMatchObject([{ level: 50 }]);
  await proxy.stop();

  const next = await aggregators.start();
  const opened = await waitFor('another to go on', () => {
    const lines = linesOf(next, 'partition opened');
    return lines.length === PARTITIONS ? lines : undefined;
  });
  for (const { partitionId, from } of opened) expect(from).toBe(shown.get(partitionId)?.sequenceNumber);
  expect(await next.stop()).toBe(0);
});
