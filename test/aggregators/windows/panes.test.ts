import { describe, expect, it } from 'vitest';
import { addOnly } from '../../../src/aggregators/windows/pane-aggregate.js';
import { createPanes, type Panes, type PanesOptions, type SavedPane } from '../../../src/aggregators/windows/panes.js';
import { retractableOf } from '../../../src/aggregators/windows/retractable/index.js';
import { aggregateOf } from '../../../src/shared/aggregates/index.js';

const count = addOnly(aggregateOf('count'));
const roomy = { maxNamesPerPane: 100, maxNames: 100, maxCharacters: 10_000 };
const create = (options: Partial<PanesOptions> = {}, saved: readonly SavedPane[] = []) =>
  createPanes(count, { ...roomy, ...options }, saved);
/** What all panes hold, as `start name: value`. */
const heldBy = (panes: Panes) =>
  Object.fromEntries(
    panes
      .entries()
      .flatMap(([startMs, names, values]) => names.map((name, index) => [`${startMs} ${name}`, values[index]])),
  );
const addAll = (panes: Panes, startMs: number, names: readonly string[]) => {
  for (const name of names) panes.add(startMs, name, 1, startMs);
};
const writeAll = (panes: Panes) => panes.written(panes.takeDirty());

describe('names beyond a bound', () => {
  it('of a pane are added up, and those that are kept count on', () => {
    const panes = create({ maxNamesPerPane: 2 });
    addAll(panes, 0, ['a', 'b', 'c', 'a', 'd']);
    addAll(panes, 60, ['c']);
    expect(heldBy(panes)).toEqual({ '0 a': 2, '0 b': 1, '0 (other)': 2, '60 c': 1 });
  });

  it('of all panes that may change are added up, until some of these are over', () => {
    const panes = create({ maxNames: 3 });
    addAll(panes, 0, ['a', 'b']);
    addAll(panes, 60, ['c', 'd']);
    expect(heldBy(panes)).toEqual({ '0 a': 1, '0 b': 1, '60 c': 1, '60 (other)': 1 });
    writeAll(panes);
    panes.evict(60);
    addAll(panes, 120, ['e', 'f']);
    expect(heldBy(panes)).toEqual({ '60 c': 1, '60 (other)': 1, '120 e': 1, '120 (other)': 1 });
  });

  it('of characters are added up, before and after a restart, until panes with long names are over', () => {
    const long = 'x'.repeat(8);
    const options = { maxCharacters: 20 };
    const panes = create(options);
    addAll(panes, 0, [long, 'y'.repeat(13), 'abc']);
    writeAll(panes);
    for (const each of [panes, create(options, panes.entries())]) {
      addAll(each, 60, ['abc']);
      expect(heldBy(each)).toEqual({ [`0 ${long}`]: 1, '0 (other)': 1, '0 abc': 1, '60 (other)': 1 });
      writeAll(each);
      each.evict(60);
      addAll(each, 120, ['abc']);
      expect(heldBy(each)).toEqual({ '60 (other)': 1, '120 abc': 1 });
    }
  });

  it('do not depend on whether a pane that is over was written already: a replay decides alike', () => {
    const [written, unwritten] = [create({ maxNames: 2 }), create({ maxNames: 2 })];
    for (const panes of [written, unwritten]) addAll(panes, 0, ['a', 'b']);
    writeAll(written);
    for (const panes of [written, unwritten]) {
      panes.evict(60);
      panes.evict(61);
      addAll(panes, 120, ['c', 'd', 'e']);
      panes.evict(120);
    }
    expect(heldBy(written)).toEqual({ '120 c': 1, '120 d': 1, '120 (other)': 1 });
    expect(heldBy(unwritten)).toEqual({ '0 a': 1, '0 b': 1, '120 c': 1, '120 d': 1, '120 (other)': 1 });
  });
});

it('a pane that is over stays until what changed in it is written, and no longer', () => {
  const panes = create();
  addAll(panes, 0, ['a']);
  panes.evict(60);
  expect(panes.size).toBe(1);
  const changes = panes.takeDirty();
  panes.evict(60);
  expect(panes.size).toBe(1);
  panes.notWritten(changes);
  panes.evict(60);
  expect(panes.takeDirty()).toEqual(changes);
  panes.written(changes);
  panes.evict(60);
  expect([panes.size, panes.unwritten]).toEqual([0, 0]);
});

describe('what is taken back', () => {
  const retractable = (options: Partial<PanesOptions> = {}, saved: readonly SavedPane[] = []) =>
    createPanes(retractableOf('sum'), { ...roomy, ...options }, saved);

  it('is taken from where it was counted, when there was no room for its name then and there is now', () => {
    const panes = retractable({ maxNames: 2 });
    for (const name of ['a', 'c']) panes.add(0, name, 1, 0);
    panes.add(60, 'b', 2, 0);
    writeAll(panes);
    panes.evict(60);
    panes.add(60, 'b', 5, 0);
    panes.retract(60, 'b', 5, 0);
    panes.retract(60, 'b', 2, 0);
    expect(heldBy(panes)).toEqual({ '60 (other)': 0, '60 b': 0 });
  });

  it('leaves nothing less than nothing where it was not counted', () => {
    const panes = retractable();
    panes.retract(0, 'a', 1, 0);
    panes.add(0, 'a', 1, 0);
    panes.retract(0, 'b', 1, 0);
    expect(panes.takeDirty()).toEqual([{ startMs: 0, names: ['a'], values: ['10000'] }]);
  });

  it('is told as what is left, and can be taken back after the panes were saved', () => {
    const panes = retractable();
    for (const value of [1, 2, 3]) panes.add(0, 'a', value, 0);
    const restored = retractable({}, panes.entries());
    restored.retract(0, 'a', 2, 0);
    expect(restored.takeDirty()).toEqual([{ startMs: 0, names: ['a'], values: ['40000'] }]);
    for (const value of [1, 3]) restored.retract(0, 'a', value, 0);
    expect(restored.takeDirty()).toEqual([{ startMs: 0, names: ['a'], values: [0] }]);
  });
});
