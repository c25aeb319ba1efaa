import { expect, it } from 'vitest';
import { createTempDir } from '../helpers/parts.js';
import { runInstanceCrashes } from './instance/run.js';

it('comes up at once after each kill of the whole instance, and has everything that was accepted', async () => {
  const dir = createTempDir('crash-instance');
  try {
    const result = await runInstanceCrashes({ dataDir: dir.path, times: 2, seed: 15 });
    expect(result.violations).toEqual([]);
    expect(result.killsByMoment).toEqual({ 'while it starts': 1, 'while it runs': 1 });
    // Without load nothing would be proved. How much there is depends on the machine.
    expect(result.orders).toBeGreaterThan(0);
    expect(result.views).toBeGreaterThan(0);
  } finally {
    dir.remove();
  }
});
