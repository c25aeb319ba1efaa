import { expect, test } from 'vitest';
import { waitFor } from '../helpers/wait.js';
import { SHORT_LEASE, useAggregators } from './support/aggregators.js';
import { createPageViews } from './support/page-views.js';

/** Each of the two is killed twice. */
const ROUNDS = 4;
const PACKS_PER_ROUND = 12;

const aggregators = useAggregators('aggregate-kill', { PENSTOCK_AGGREGATOR_LEASE: SHORT_LEASE });

test('aggregators that are killed again and again count everything once, and no figure ever goes down', async () => {
  const views = createPageViews(aggregators.publisher);
  const roles = [await aggregators.start(), await aggregators.start()];
  let highest = 0;
  const counted = async () => {
    const totals = await aggregators.source.readTotals();
    const now = (totals['counted'] ?? 0) + (totals['duplicate'] ?? 0);
    expect(now).toBeGreaterThanOrEqual(highest);
    highest = now;
    return now;
  };
  for (let round = 0; round < ROUNDS; round++) {
    const before = await counted();
    for (let pack = 0; pack < PACKS_PER_ROUND; pack++) await views.send(round * 1_000 + pack);
    await waitFor('some progress', async () => (await counted()) > before);
    const victim = round % roles.length;
    await roles[victim]?.kill();
    roles[victim] = await aggregators.start();
  }
  await waitFor('everything to be counted', async () => (await counted()) >= views.sent + views.repeated);
  for (const role of roles) await role.stop();

  const totals = await aggregators.source.readTotals();
  expect(totals).toMatchObject({ counted: views.sent, duplicate: views.repeated });
  expect(totals).not.toHaveProperty('late');
  expect(await views.shown(aggregators.source)).toEqual(views.expected());
});
