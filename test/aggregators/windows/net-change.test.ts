import { expect, test } from 'vitest';
import { createNetChange } from '../../../src/aggregators/windows/net-change.js';
import { createPanes } from '../../../src/aggregators/windows/panes.js';
import { aggregateOf } from '../../../src/shared/aggregates/index.js';

const panesOf = () => createPanes(aggregateOf('count'), { maxNames: 10, maxCharacters: 10_000, maxNamesPerPane: 10 });

test('what is counted out and in again by one event changes nothing, and revises nothing', () => {
  const panes = panesOf();
  const change = createNetChange();
  change.count(panes, 0, 'a', -1);
  change.count(panes, 0, 'b', 1);
  change.count(panes, 0, 'a', 1);
  change.apply();
  expect(panes.takeDirty()).toEqual([{ startMs: 0, names: ['b'], values: [1] }]);
});

test('a pane in which less is counted in the end is revised, and one in which more is counted is not', () => {
  const panes = panesOf();
  const change = createNetChange();
  change.count(panes, 0, 'a', 2);
  change.apply();
  change.count(panes, 0, 'a', -1);
  change.count(panes, 60, 'a', 1);
  change.apply();
  expect(panes.takeDirty()).toEqual([
    { startMs: 0, names: ['a'], values: [1], revision: 1 },
    { startMs: 60, names: ['a'], values: [1] },
  ]);
});
