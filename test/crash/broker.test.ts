import { expect, it } from 'vitest';
import { createTempDir } from '../helpers/parts.js';
import { runCrashes } from './support/run.js';

it('keeps every promise of queue, dead letters, duplicate detection and hub through kills at any moment', async () => {
  const dir = createTempDir('crash');
  try {
    const result = await runCrashes({ dataDir: dir.path, times: 10, seed: 20_260 });
    expect(result.violations).toEqual([]);
    // Without load nothing would be proved.
    expect(result.kills - result.killsAtStart).toBeGreaterThan(4);
    expect(result.orders.accepted).toBeGreaterThan(50);
    expect(result.orders.completed).toBeGreaterThan(5);
    expect(result.orders.deadLettered).toBeGreaterThan(0);
    expect(result.orders.abandoned).toBeGreaterThan(0);
    expect(result.orders.deferred).toBeGreaterThan(0);
    expect(result.jobs.delivered).toBeGreaterThan(20);
    expect(result.events).toBeGreaterThan(100);
  } finally {
    dir.remove();
  }
});
