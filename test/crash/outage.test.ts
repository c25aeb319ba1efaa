import { expect, it } from 'vitest';
import { createTempDir } from '../helpers/parts.js';
import { runOutage } from './outage/run.js';

it('accepts everything on disk while the broker of the hub is away, and sends it in order when it is back', async () => {
  const dir = createTempDir('outage');
  try {
    const result = await runOutage({ dataDir: dir.path, awayMs: 3_000, rate: 1_000, aroundMs: 500 });
    expect(result.violations).toEqual([]);
    expect(result.phases.map(({ name }) => name)).toEqual(['before', 'away', 'drain', 'after']);
    const away = result.phases[1]?.answers;
    expect(away?.views.durable.broker).toBe(0);
    expect(away?.views.durable.spool).toBeGreaterThan(0);
    // The other broker's traffic is not touched.
    expect(away?.orders.durable.broker).toBeGreaterThan(0);
    const samples = result.phases.flatMap((phase) => phase.samples);
    expect(Math.max(...samples.map(({ spoolBytes }) => spoolBytes))).toBeGreaterThan(0);
    // What waits in memory is requests under way, and never what the disk has.
    expect(Math.max(...samples.map(({ pendingBytes }) => pendingBytes))).toBeLessThan(4 * 2 ** 20);
  } finally {
    dir.remove();
  }
});
