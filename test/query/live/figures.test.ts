import { expect, test } from 'vitest';
import { figuresOf, type LiveData } from '../../../src/query/live/figures.js';

const NOW = Date.UTC(2026, 0, 1, 12);

test('names that somebody makes up do not fill the page: of categories the largest are shown', () => {
  const values = new Map(Array.from({ length: 5_000 }, (_, index) => [`made-up-${index}`, 1]));
  values.set('shoes', 7);
  const nothing = new Map();
  const data: LiveData = {
    ...{ visitors: nothing, sessions: nothing, visitorsBeyond: nothing, devices: nothing, pages: nothing },
    ...{ visitorsLatest: [], offers: [], events: [], metrics: {} },
    categories: new Map([[NOW, { values }]]),
  };
  const { categories } = figuresOf(data, NOW);
  expect(categories).toHaveLength(1_000);
  expect(categories[0]).toEqual({ category: 'shoes', views: 7 });
});
