import { expect, it } from 'vitest';
import { createTempDir } from '../helpers/parts.js';
import { runGatewayCrashes } from './gateway/run.js';

it('keeps every promise of the gateway while both brokers, the network and itself are disturbed at random', async () => {
  const dir = createTempDir('crash-gateway');
  try {
    const result = await runGatewayCrashes({ dataDir: dir.path, times: 2, seed: 20_260 });
    expect(result.violations).toEqual([]);
    // Without load nothing would be proved. How much there is depends on the machine.
    expect(result.orders).toBeGreaterThan(0);
    expect(result.views).toBeGreaterThan(0);
    expect(result.rejected).toBeGreaterThan(0);
    expect(result.spooled).toBeGreaterThan(0);
  } finally {
    dir.remove();
  }
});
