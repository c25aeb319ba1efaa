import { expect, it } from 'vitest';
import { createTempDir } from '../helpers/parts.js';
import { runCrashes } from './support/run.js';

it('keeps every promise of queue, dead letters, duplicate detection and hub through kills at any moment', async () => {
  const dir = createTempDir('crash');
  try {
    const result = await runCrashes({ dataDir: dir.path, times: 10, seed: 20_260 });
    expect(result.violations).toEqual([]);
    // Without load nothing would be proved. How much there is depends on the machine.
    expect(result.kills - result.killsAtStart).toBeGreaterThan(4);
    expect(result.orders.accepted).toBeGreaterThan(0);
    expect(result.orders.completed).toBeGreaterThan(0);
    expect(result.jobs.delivered).toBeGreaterThan(0);
    expect(result.events).toBeGreaterThan(0);
    // Each start adds a file, and the fourth of them has them merged.
    expect(result.merges).toBeGreaterThan(0);
  } finally {
    dir.remove();
  }
});
