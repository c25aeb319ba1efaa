import { Redis } from 'ioredis';
import { delay, systemClock } from '../../src/shared/clock.js';
import { parseValueField, singleKey, TOTALS } from '../../src/shared/live-keys.js';
import { BATCH } from '../lib/bodies.js';
import type { ReceiveOptions, ReceiveResult } from '../lib/hub-receiver.js';
import { runEntry } from '../lib/load.js';
import { type Cost, cpuMicrosEach, foreignShare, startMeter } from '../lib/meter.js';
import { createParts } from '../lib/parts.js';
import type { Bench } from '../lib/report.js';
import { startBroker, startGateway, startStores } from '../lib/system.js';
import { loadBatches } from './batch.js';

const POLL_MS = 50;
/** Times the seconds of a bench: a backlog that lasts long enough for the compiler of the aggregator to be done early in it. */
const FILL = 4;
const GIVE_UP_MS = 60_000;
const AIM = 200_000;
const LIMIT_AIM = 0.8;
const HUB = 'clicks';

/**
 * Events a second from the hub into the figures in Redis: an aggregator takes a backlog that is already there. Beside it
 * the SDK takes the same backlog and does nothing with it (no aggregator can be faster), and raises a counter for each event.
 */
export const drain: Bench = async (context) => {
  const { seconds, report, note } = context;
  const parts = createParts(context);
  try {
    const [broker, stores] = await Promise.all([startBroker(parts), startStores(parts)]);
    const gateway = await startGateway(parts, broker);
    note('a backlog for the aggregators');
    const backlog = (await loadBatches(gateway, { warmUpSeconds: 0, seconds: FILL * seconds })).answered * BATCH;
    const connectionString = broker['PENSTOCK_EVENTHUBS_CONNECTION_STRING'] ?? '';
    const redisUrl = stores['PENSTOCK_REDIS_URL'] ?? '';
    const receive = async (options: Pick<ReceiveOptions, 'redisUrl'>) => {
      const { share, ms } = (await runEntry('hub-receiver', {
        connectionString,
        hub: HUB,
        ...options,
      })) as ReceiveResult;
      return (share * backlog * 1000) / ms;
    };
    note('the SDK alone takes the backlog');
    const limit = await receive({});
    note('a counter in Redis for each event');
    const naive = await receive({ redisUrl });
    note('the aggregators take the backlog');
    await parts.role(['aggregate'], { ...broker, ...stores });
    const { events, ms, cost } = await watch(redisUrl, backlog, () => startMeter(parts));
    const value = (events / ms) * 1000;
    report({ row: 'the SDK receives the backlog and does nothing', value: limit, unit: 'events/s' });
    report({ row: 'the SDK receives it, one INCR in Redis for each event', value: naive, unit: 'events/s' });
    report({
      row: `hub to Redis, a backlog of ${events.toLocaleString('en-GB')} page views`,
      value,
      unit: 'events/s',
      cpuMicros: cpuMicrosEach(cost, events),
      foreignShare: foreignShare(cost, []),
      ratios: { 'the SDK alone': value / limit, naive: value / naive },
      aim: { text: '> 200,000, ≥ 0.8 × the SDK alone', met: value > AIM && value >= LIMIT_AIM * limit },
    });
  } finally {
    await parts.stop();
  }
};

/**
 * Waits until at least `expected` events are counted and the count stands still. The clock starts at the first count
 * that is seen, whose events are not part of the result, and stops at the last change; so does the meter, half a second later.
 */
async function watch(url: string, expected: number, start: () => () => Cost) {
  const redis = new Redis(url);
  const startedMs = performance.now();
  let first: { atMs: number; counted: number; meter: () => Cost } | undefined;
  let last = { atMs: 0, counted: 0 };
  try {
    for (;;) {
      const counted = await readCounted(redis);
      const atMs = performance.now();
      if (counted > last.counted) last = { atMs, counted };
      if (counted > 0) first ??= { ...last, meter: start() };
      if (first !== undefined && last.counted >= expected && atMs - last.atMs > 500)
        return { events: last.counted - first.counted, ms: last.atMs - first.atMs, cost: first.meter() };
      if (atMs - startedMs > GIVE_UP_MS) throw new Error(`${last.counted} of ${expected} events were counted`);
      await delay(systemClock, POLL_MS);
    }
  } finally {
    redis.disconnect();
  }
}

/** Events in the figures, over all partitions. */
async function readCounted(redis: Redis): Promise<number> {
  const fields = await redis.hgetall(singleKey(TOTALS));
  return Object.entries(fields)
    .filter(([field]) => parseValueField(field)?.name === 'counted')
    .reduce((sum, [, value]) => sum + Number(value), 0);
}
