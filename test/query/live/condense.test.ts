import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCondenser } from '../../../src/query/live/condense.js';

const FROM_MS = Date.UTC(2026, 10, 21);
const MINUTE_MS = 60_000;

describe('panes added up to longer ones', () => {
  it('are what all minutes of each step together hold', () => {
    const pane = fc.record({
      minute: fc.nat({ max: 200 }),
      values: fc.dictionary(fc.constantFrom('/a', '/b', '/c'), fc.nat({ max: 100 })),
    });
    fc.assert(
      fc.property(fc.array(pane), fc.integer({ min: 1, max: 60 }), (panes, stepMinutes) => {
        const stepMs = stepMinutes * MINUTE_MS;
        const condenser = createCondenser({ aggregate: 'count', paneMs: MINUTE_MS }, FROM_MS, { stepMs });
        for (const { minute, values } of panes.toSorted((a, b) => a.minute - b.minute)) {
          condenser.add(FROM_MS + minute * MINUTE_MS, { values: new Map(Object.entries(values)), revision: 0 });
        }
        const steps = condenser.steps();
        expect(steps.map(({ startMs }) => startMs)).toEqual([...steps.map(({ startMs }) => startMs)].sort());
        for (const { startMs, values } of steps) {
          expect((startMs - FROM_MS) % stepMs).toBe(0);
          const inStep = panes.filter(({ minute }) => Math.floor(minute / stepMinutes) * stepMs === startMs - FROM_MS);
          for (const name of ['/a', '/b', '/c']) {
            const sum = inStep.reduce((total, { values: each }) => total + (each[name] ?? 0), 0);
            expect(values[name] ?? 0).toBe(sum);
          }
        }
      }),
    );
  });

  it('keep their largest names alone where so many are asked for', () => {
    const condenser = createCondenser({ aggregate: 'count', paneMs: MINUTE_MS }, FROM_MS, {
      stepMs: 5 * MINUTE_MS,
      top: 2,
    });
    for (const minute of [0, 1]) {
      const values = new Map([
        ['/small', 1],
        ['/b', 5],
        ['/a', 5],
      ]);
      condenser.add(FROM_MS + minute * MINUTE_MS, { values, revision: 0 });
    }
    expect(condenser.steps()).toEqual([{ startMs: FROM_MS, values: { '/a': 10, '/b': 10 } }]);
  });
});

it('revisions of the panes of a step are added up, and told of where there were any', () => {
  const condenser = createCondenser({ aggregate: 'count', paneMs: MINUTE_MS }, FROM_MS, { stepMs: 2 * MINUTE_MS });
  for (const [minute, revision] of [0, 0, 1, 2].entries())
    condenser.add(FROM_MS + minute * MINUTE_MS, { values: new Map([['all', 1]]), revision });
  expect(condenser.steps().map(({ revision }) => revision)).toEqual([undefined, 3]);
});

describe('an answer of too many values', () => {
  const paneOf = (...names: string[]) => ({ values: new Map(names.map((name) => [name, 1])), revision: 0 });
  const withAtMost = (maxValues: number, top?: number) =>
    createCondenser({ aggregate: 'count', paneMs: MINUTE_MS }, FROM_MS, { maxValues, top });

  it('is refused before it is put together, and the error says what to ask for', () => {
    const condenser = withAtMost(3);
    condenser.add(FROM_MS, paneOf('/a', '/b'));
    expect(() => condenser.add(FROM_MS + MINUTE_MS, paneOf('/a', '/b'))).toThrow(
      expect.objectContaining({ code: 'PS_QUERY_INVALID', message: expect.stringContaining('"top"') }),
    );
  });

  it('is none where the largest of each step alone are asked for', () => {
    const condenser = withAtMost(3, 1);
    for (const minute of [0, 1]) condenser.add(FROM_MS + minute * MINUTE_MS, paneOf('/a', '/b'));
    expect(condenser.steps()).toHaveLength(2);
  });
});
