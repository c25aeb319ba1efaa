import { delay, systemClock } from '../../src/shared/clock.js';
import type { LiveFigures } from '../../src/shared/live.js';
import { EVENTS_PATH, headers } from '../lib/bodies.js';
import { createParts } from '../lib/parts.js';
import type { Bench } from '../lib/report.js';
import { startBroker, startGateway, startStores } from '../lib/system.js';

const PROBES = 40;
const POLL_MS = 10;
const GIVE_UP_MS = 15_000;
const AIM_MS = 1000;

/** From the POST of a new visitor's page view to the figure of visitors in `GET /api/live`. */
export const freshness: Bench = async ({ profileDir, report, note }) => {
  const parts = createParts(profileDir);
  try {
    const [broker, stores] = await Promise.all([startBroker(parts), startStores(parts)]);
    const env = { ...broker, ...stores };
    const [gateway, dashboard] = await Promise.all([
      startGateway(parts, env),
      parts.role(['dashboard'], env),
      parts.role(['aggregate'], env),
    ]);
    const live = async () =>
      ((await (await fetch(`${dashboard['url']}/api/live`)).json()) as LiveFigures).visitors.total;
    note(`freshness, ${PROBES} times`);
    await probe(gateway, 'first', live, 0);
    const tookMs: number[] = [];
    for (let i = 0; i < PROBES; i++) {
      // An uneven pace, so that no probe keeps step with the writing of figures.
      await delay(systemClock, (i * 37) % 150);
      tookMs.push(await probe(gateway, String(i), live, i + 1));
    }
    tookMs.sort((a, b) => a - b);
    const at = (part: number) => tookMs[Math.ceil(part * PROBES) - 1] ?? Number.NaN;
    report({
      row: 'freshness, POST to /api/live, p95',
      value: at(0.95),
      unit: 'ms',
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      aim: { text: '< 1 s', met: at(0.95) < AIM_MS },
    });
  } finally {
    await parts.stop();
  }
};

/** Milliseconds until the number of visitors is above `before`. */
async function probe(gateway: string, name: string, live: () => Promise<number>, before: number): Promise<number> {
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
