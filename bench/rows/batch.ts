import { BATCH, batches, EVENTS_PATH, headers } from '../lib/bodies.js';
import { type LoadOptions, type LoadResult, runLoad } from '../lib/load.js';
import { cpuMicrosEach, foreignShare, startMeter } from '../lib/meter.js';
import { createParts } from '../lib/parts.js';
import type { Bench } from '../lib/report.js';
import { startBroker, startGateway } from '../lib/system.js';

/** Enough that no server waits for the load; each connection has one request in flight. */
const CONNECTIONS = 128;
const WARM_UP_SECONDS = 2;
const AIM = 200_000;

/** Events a second in batches of 50 page views, durable in the hub when they are answered. */
export const batch: Bench = async (context) => {
  const { seconds, report, note } = context;
  const parts = createParts(context);
  try {
    const gateway = await startGateway(parts, await startBroker(parts));
    note('batches of 50 page views');
    const meter = startMeter(parts);
    const found = await loadBatches(gateway, { warmUpSeconds: WARM_UP_SECONDS, seconds });
    const cost = meter();
    report({
      row: 'Penstock, batches of 50 page views to the hub',
      value: found.perSecond * BATCH,
      unit: 'events/s',
      p50Ms: found.p50Ms,
      p99Ms: found.p99Ms,
      cpuMicros: cpuMicrosEach(cost, found.answeredInAll * BATCH),
      foreignShare: foreignShare(cost, [found]),
      aim: { text: '> 200,000', met: found.perSecond * BATCH > AIM },
    });
  } finally {
    await parts.stop();
  }
};

/** Resolves when the load is over. */
export async function loadBatches(
  url: string,
  pace: Pick<LoadOptions, 'warmUpSeconds' | 'seconds' | 'perSecond'>,
): Promise<LoadResult> {
  await checkAccepted(url);
  const load = { url, path: EVENTS_PATH, headers, bodies: batches, uniqueIds: false, connections: CONNECTIONS };
  return runLoad({ ...load, ...pace });
}

/** A fast answer that refuses would be no figure. */
async function checkAccepted(url: string): Promise<void> {
  const response = await fetch(`${url}${EVENTS_PATH}`, { method: 'POST', headers, body: batches[0] ?? '' });
  const { results } = (await response.json()) as { results: readonly { outcome: string }[] };
  const accepted = results.filter(({ outcome }) => outcome === 'accepted').length;
  if (accepted !== BATCH) throw new Error(`${accepted} of ${BATCH} events were accepted`);
}
