import { delay, systemClock } from '../../src/shared/clock.js';
import { BATCH, EVENTS_PATH, headers } from '../lib/bodies.js';
import { createParts } from '../lib/parts.js';
import type { Bench } from '../lib/report.js';
import { startLive } from '../lib/system.js';
import { loadBatches } from './batch.js';

const PROBES = 60;
const POLL_MS = 10;
const GIVE_UP_MS = 15_000;
const QUIET_AIM_MS = 1000;
const LOADED_AIM_MS = 500;
/** What is known of the most that the gateway takes, before half of it is sent. */
const MOST_SECONDS = 3;
/** Longer than the probes take; the load then ends by itself. */
const LOAD_SECONDS = 40;
const SETTLE_MS = 1000;

/** From the POST of a new visitor's page view to the figure of visitors in `GET /api/live`, alone and under half load. */
export const freshness: Bench = async (context) => {
  const { report, note } = context;
  const parts = createParts(context);
  try {
    const { gateway, visitors: live } = await startLive(parts);
    note(`freshness, ${PROBES} times`);
    const quiet = await probeAll(gateway, 'quiet', live);
    report({
      row: 'freshness, POST to /api/live, p95',
      value: quiet.at(0.95),
      unit: 'ms',
      p50Ms: quiet.at(0.5),
      p99Ms: quiet.at(0.99),
      aim: { text: '< 1 s', met: quiet.at(0.95) < QUIET_AIM_MS },
    });
    note('the most that the gateway takes');
    const most = await loadBatches(gateway, { warmUpSeconds: 0, seconds: MOST_SECONDS });
    // Of the load's own visitors none is new then.
    await settled(live);
    note(`freshness under half of that, ${PROBES} times`);
    const load = loadBatches(gateway, {
      warmUpSeconds: 0,
      seconds: LOAD_SECONDS,
      perSecond: Math.round(most.perSecond / 2),
    });
    const loaded = await probeAll(gateway, 'loaded', live);
    await load;
    report({
      row: `freshness beside ${Math.round((most.perSecond * BATCH) / 2).toLocaleString('en-GB')} events/s, p99`,
      value: loaded.at(0.99),
      unit: 'ms',
      p50Ms: loaded.at(0.5),
      p99Ms: loaded.at(0.99),
      aim: { text: '< 500 ms', met: loaded.at(0.99) < LOADED_AIM_MS },
    });
  } finally {
    await parts.stop();
  }
};

/** The figure stands still for a while. */
async function settled(live: () => Promise<number>): Promise<void> {
  for (let before = -1, now = await live(); now !== before; now = await live()) {
    before = now;
    await delay(systemClock, SETTLE_MS);
  }
}

async function probeAll(gateway: string, name: string, live: () => Promise<number>) {
  await probe(gateway, `${name}-first`, live);
  const tookMs: number[] = [];
  for (let i = 0; i < PROBES; i++) {
    // An uneven pace, so that no probe keeps step with the writing of figures.
    await delay(systemClock, (i * 37) % 150);
    tookMs.push(await probe(gateway, `${name}-${i}`, live));
  }
  tookMs.sort((a, b) => a - b);
  return { at: (part: number) => tookMs[Math.ceil(part * PROBES) - 1] ?? Number.NaN };
}

/** Milliseconds until there is one visitor more. */
async function probe(gateway: string, name: string, live: () => Promise<number>): Promise<number> {
  const before = await live();
  const startedMs = performance.now();
  const body = JSON.stringify({ type: 'page_view', anonymousId: `probe-${name}`, page: { path: `/probe/${name}` } });
  const response = await fetch(`${gateway}${EVENTS_PATH}`, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`the gateway answered ${response.status}`);
  while ((await live()) <= before) {
    if (performance.now() - startedMs > GIVE_UP_MS) throw new Error(`probe ${name} did not come up`);
    await delay(systemClock, POLL_MS);
  }
  return performance.now() - startedMs;
}
