import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NameBounds } from '../../../src/aggregators/windows/name-room.js';
import { addOnly } from '../../../src/aggregators/windows/pane-aggregate.js';
import { createPanes, type Panes, type SavedPane } from '../../../src/aggregators/windows/panes.js';
import { retractableOf } from '../../../src/aggregators/windows/retractable/index.js';
import { aggregateOf } from '../../../src/shared/aggregates/index.js';

const count = addOnly(aggregateOf('count'));
const roomy = { maxNamesPerPane: 100, maxNames: 100, maxCharacters: 10_000 };
const create = (options: Partial<NameBounds> = {}, saved: readonly SavedPane[] = []) =>
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
/** What is written of all panes. */
const allOf = (panes: Panes) => {
  panes.markAllDirty();
  return panes.takeDirty();
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
    addAll(panes, 0, [long, 'abc', 'y'.repeat(10)]);
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

  it('stay there in their pane, and so do further ones, before and after a restart: no name is in two places', () => {
    const options = { maxNames: 2 };
    const panes = create(options);
    addAll(panes, 0, ['a', 'b']);
    addAll(panes, 60, ['c']);
    writeAll(panes);
    panes.evict(60);
    for (const each of [panes, create(options, panes.entries())]) {
      addAll(each, 60, ['c', 'd']);
      expect(heldBy(each)).toEqual({ '60 (other)': 3 });
      addAll(each, 120, ['c']);
      expect(heldBy(each)).toEqual({ '60 (other)': 3, '120 c': 1 });
    }
  });

  it('are none because somebody sends the name under which these are added up', () => {
    const panes = create();
    addAll(panes, 0, ['(other)', 'a']);
    const restored = create({}, panes.entries());
    addAll(restored, 0, ['b', 'a']);
    expect(heldBy(restored)).toEqual({ '0 (other)': 1, '0 a': 2, '0 b': 1 });
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
  const retractable = (options: Partial<NameBounds> = {}, saved: readonly SavedPane[] = []) =>
    createPanes(retractableOf('sum'), { ...roomy, ...options }, saved);

  it('is taken from where it was counted, when there was no room for its name then and there is now', () => {
    const panes = retractable({ maxNames: 2 });
    for (const name of ['a', 'c']) panes.add(0, name, 1, 0);
    panes.add(60, 'b', 2, 0);
    writeAll(panes);
    panes.evict(60);
    panes.add(60, 'b', 5, 0);
    panes.retract(60, 'b', 2, 0);
    expect(panes.takeDirty()).toEqual([{ startMs: 60, names: ['(other)'], values: ['50000'] }]);
    panes.retract(60, 'b', 5, 0);
    expect(heldBy(panes)).toEqual({ '60 (other)': 0 });
  });

  it('leaves of each name the sum of what was not taken back, wherever there was no room for it, and through restarts', () => {
    const input = fc.record({
      startMs: fc.constantFrom(0, 60, 120),
      name: fc.constantFrom('a', 'b', 'c', 'd', '(other)'),
      value: fc.integer({ min: -9, max: 9 }),
    });
    type Input = typeof input extends fc.Arbitrary<infer T> ? T : never;
    const deed = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), input }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('retract' as const), at: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('evict' as const, 'restart' as const) }) },
    );
    const sumOf = (inputs: readonly Input[]) => inputs.reduce((sum, { value }) => sum + value, 0);
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 60, size: 'max' }), (deeds) => {
        const options = { maxNames: 4 };
        let panes = retractable(options);
        let held: Input[] = [];
        let horizonMs = 0;
        for (const next of deeds) {
          if (next.kind === 'add') {
            const { startMs, name, value } = next.input;
            if (startMs < horizonMs) continue;
            panes.add(startMs, name, value, 0);
            held.push(next.input);
          } else if (next.kind === 'retract') {
            const [taken] = held.length === 0 ? [] : held.splice(next.at % held.length, 1);
            if (taken !== undefined) panes.retract(taken.startMs, taken.name, taken.value, 0);
          } else if (next.kind === 'evict') {
            horizonMs += 60;
            writeAll(panes);
            panes.evict(horizonMs);
            held = held.filter(({ startMs }) => startMs >= horizonMs);
          } else panes = retractable(options, panes.entries());
        }
        for (const { startMs, names, values } of allOf(panes)) {
          const inPane = held.filter((each) => each.startMs === startMs);
          const isApart = ({ name }: Input) => name !== '(other)' && names.includes(name);
          const expected = names.map((name) =>
            sumOf(inPane.filter((each) => (name === '(other)' ? !isApart(each) : each.name === name))),
          );
          expect(values.map((value) => Number(value) / 10_000)).toEqual(expected);
        }
      }),
      { numRuns: 1_000 },
    );
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
