import { expect, test } from 'vitest';
import { totalCounters } from '../../src/dashboard/total-counters.js';

const samplesOf = async (totals: Readonly<Record<string, number>>) =>
  (await totalCounters(totals)).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('what became of the events of the hub is counted, and no sum counts an event twice', async () => {
  const totals = {
    counted: 12,
    late: 3,
    'late:pages': 2,
    'late:views': 3,
    'late_by:2h': 3,
    'failed:pages': 1,
    odd: Number.NaN,
  };
  expect(await samplesOf(totals)).toEqual([
    'penstock_figures_events_total{outcome="counted"} 12',
    'penstock_figures_events_total{outcome="duplicate"} 0',
    'penstock_figures_events_total{outcome="malformed"} 0',
    'penstock_figures_events_total{outcome="late"} 3',
    'penstock_figures_late_total{of="pages"} 2',
    'penstock_figures_late_total{of="views"} 3',
    'penstock_figures_late_by_total{of="2h"} 3',
    'penstock_figures_failed_total{of="pages"} 1',
  ]);
});

test('before the first event all is 0', async () => {
  expect(await samplesOf({})).toEqual(
    ['counted', 'duplicate', 'malformed', 'late'].map(
      (outcome) => `penstock_figures_events_total{outcome="${outcome}"} 0`,
    ),
  );
});
