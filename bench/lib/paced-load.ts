import { Pool } from 'undici';
import { delay, systemClock } from '../../src/shared/clock.js';
import type { LoadOptions, LoadResult } from './load.js';

const TICK_MS = 1;
const ID = '[<id>]';

type Pace = LoadOptions & { readonly perSecond: number };

/**
 * A steady load, whatever the server does: requests go at even distances, and each counts from the moment at which it
 * was due, also when it had to wait for a connection. Otherwise a slow server would be asked less, and look better than
 * it is ("coordinated omission").
 */
export async function pacedLoad(options: Pace): Promise<LoadResult> {
  const pool = new Pool(options.url, { connections: options.connections, pipelining: 1 });
  try {
    const warmUp = await run(pool, options, options.warmUpSeconds);
    const found = await run(pool, options, options.seconds);
    const tookMs = found.tookMs.sort((a, b) => a - b);
    const at = (share: number) => tookMs[Math.ceil(share * tookMs.length) - 1] ?? Number.NaN;
    const { user, system } = process.cpuUsage();
    return {
      answered: tookMs.length,
      answeredInAll: warmUp.tookMs.length + tookMs.length,
      failed: warmUp.failed + found.failed,
      perSecond: tookMs.length / options.seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      cpuSeconds: (user + system) / 1e6,
    };
  } finally {
    await pool.close();
  }
}

/** Resolves when every request of the time is answered. */
async function run(pool: Pool, { perSecond, ...options }: Pace, seconds: number) {
  const tookMs: number[] = [];
  let failed = 0;
  const startMs = performance.now();
  const all = Math.round(perSecond * seconds);
  const send = (number: number) => {
    const dueMs = startMs + (number * 1000) / perSecond;
    let isGood = false;
    // The leanest way into undici: the load shares the cores with what is measured.
    pool.dispatch(requestOf(options, number), {
      onRequestStart: () => {},
      onResponseStart: (_controller, status) => {
        isGood = status >= 200 && status < 300;
      },
      onResponseData: () => {},
      onResponseEnd: () => {
        if (isGood) tookMs.push(performance.now() - dueMs);
        else failed++;
      },
      onResponseError: () => void failed++,
    });
  };
  for (let sent = 0; sent < all; ) {
    const due = Math.min(all, Math.ceil(((performance.now() - startMs) * perSecond) / 1000));
    while (sent < due) send(sent++);
    await delay(systemClock, TICK_MS);
  }
  while (tookMs.length + failed < all) await delay(systemClock, TICK_MS);
  return { tookMs, failed };
}

function requestOf(
  { path, headers, bodies, uniqueIds }: Pick<Pace, 'path' | 'headers' | 'bodies' | 'uniqueIds'>,
  number: number,
) {
  const body = bodies[number % bodies.length] ?? '';
  return {
    method: 'POST' as const,
    path,
    headers,
    body: uniqueIds ? body.replaceAll(ID, `${performance.now()}.${number}`) : body,
  };
}
