import { expect, it } from 'vitest';
import { createTempDir } from '../helpers/parts.js';
import { abuseBroker } from './broker/run.js';

it('answers or closes whoever abuses it, keeps nothing of them, and others notice nothing', async () => {
  const dir = createTempDir('abuse');
  try {
    const result = await abuseBroker({ dataDir: dir.path, seconds: 4, connections: 40, atLeast: 60, seed: 20_261 });
    expect(result.violations).toEqual([]);
    // Without load nothing would be proved.
    expect(Object.values(result.hostile).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(60);
    expect(result.sent).toBeGreaterThan(0);
    expect(result.events).toBeGreaterThan(0);
  } finally {
    dir.remove();
  }
});
