import { expect, test } from 'vitest';
import { createNetChange } from '../../../src/aggregators/windows/net-change.js';
import { createPanes } from '../../../src/aggregators/windows/panes.js';
import { retractableOf } from '../../../src/aggregators/windows/retractable/index.js';
import type { AggregateName } from '../../../src/shared/aggregates/index.js';

const panesOf = (aggregate: AggregateName = 'count') =>
  createPanes(retractableOf(aggregate), { maxNames: 10, maxCharacters: 10_000, maxNamesPerPane: 10 });

const one = (startMs: number, name: string, by: number) => ({ startMs, name, input: 1, timeMs: 0, by });

test('what is counted out and in again by one event changes nothing, and revises nothing', () => {
  const panes = panesOf();
  const change = createNetChange(panes);
  change.count(one(0, 'a', -1));
  change.count(one(0, 'b', 1));
  change.count(one(0, 'a', 1));
  change.apply();
  expect(panes.takeDirty()).toEqual([{ startMs: 0, names: ['b'], values: [1] }]);
});

test('a pane in which less is counted in the end is revised, and one in which more is counted is not', () => {
  const panes = panesOf();
  const change = createNetChange(panes);
  change.count(one(0, 'a', 1));
  change.count(one(0, 'a', 1));
  change.apply();
  change.count(one(0, 'a', -1));
  change.count(one(60, 'a', 1));
  change.apply();
  expect(panes.takeDirty()).toEqual([
    { startMs: 0, names: ['a'], values: [1], revision: 1 },
    { startMs: 60, names: ['a'], values: [1] },
  ]);
});

test('a session that counts for another value in its pane changes the figure, and takes nothing back', () => {
  const panes = panesOf('max');
  const change = createNetChange(panes);
  const value = (input: number, by: number) => ({ ...one(0, 'a', by), input });
  change.count(value(5, 1));
  change.apply();
  change.count(value(5, -1));
  change.count(value(3, 1));
  change.apply();
  expect(panes.takeDirty()).toEqual([{ startMs: 0, names: ['a'], values: ['3'] }]);
  change.count(value(3, -1));
  change.apply();
  expect(panes.takeDirty()).toEqual([{ startMs: 0, names: ['a'], values: [0], revision: 1 }]);
});
