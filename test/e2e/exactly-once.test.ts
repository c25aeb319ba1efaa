import { expect, test } from 'vitest';
import { runFigures } from '../crash/figures/run.js';

test('figures are those of the shop after aggregators, broker and Redis were killed again and again, and never went down', async () => {
  const { violations, killsByPart, truth, readings } = await runFigures({ times: 6, seed: 20_261 });
  expect(violations).toEqual([]);
  // Without these nothing would be proved.
  expect(Math.min(...Object.values(killsByPart))).toBeGreaterThan(0);
  expect(readings).toBeGreaterThan(0);
  for (const part of [truth.visitors, truth.pageViews, truth.duplicates, truth.funnel.purchase])
    expect(part).toBeGreaterThan(0);
});
