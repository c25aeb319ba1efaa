import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createVisitors, type Visit } from '../../../src/aggregators/state/visitors.js';
import type { DeviceType } from '../../../src/events/index.js';
import { PANE_MS } from '../../../src/shared/live-keys.js';
import { keyOf } from '../driver.js';

const LOOK_BACK_PANES = 40;
const options = { maxVisitors: 1_000, lookBackMs: LOOK_BACK_PANES * PANE_MS };
const NEVER = -1;
const everyDevice = ['desktop', 'mobile', 'tablet', 'other'] as const satisfies readonly DeviceType[];

/** Remembers every visit there ever was. */
function createOracle() {
  const visits: { name: string; pane: number; device: DeviceType }[] = [];
  return (name: string, pane: number, device: DeviceType, horizonPane: number): Visit => {
    const known = visits.filter((visit) => visit.name === name && visit.pane >= horizonPane);
    const newest = Math.max(NEVER, ...known.map((visit) => visit.pane));
    const ofDevice = Math.max(NEVER, ...known.filter((visit) => visit.device === device).map((visit) => visit.pane));
    visits.push({ name, pane, device });
    return {
      firstInPane: !known.some((visit) => visit.pane === pane),
      newest: pane > newest,
      previousNewestMs: newest === NEVER ? NEVER : newest * PANE_MS,
      newestOfDevice: pane > ofDevice,
      previousNewestOfDeviceMs: ofDevice === NEVER ? NEVER : ofDevice * PANE_MS,
    };
  };
}

test('what is known of a visitor is what a list of all visits says, saved and restored at any moment', () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    /** Against the newest pane so far. */
    ahead: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: -LOOK_BACK_PANES, max: 3 }) },
      { weight: 1, arbitrary: fc.integer({ min: 3, max: 200 }) },
    ),
    device: fc.constantFrom(...everyDevice),
    save: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const oracle = createOracle();
      let visitors = createVisitors(options);
      let newestPane = 10_000;
      for (const { name, ahead, device, save } of steps) {
        const pane = newestPane + ahead;
        newestPane = Math.max(newestPane, pane);
        const horizonPane = newestPane - LOOK_BACK_PANES;
        visitors.evict(horizonPane * PANE_MS);
        if (save) {
          visitors = createVisitors(options, visitors.save());
          visitors.evict(horizonPane * PANE_MS);
        }
        expect(visitors.visit(keyOf(name), pane * PANE_MS, device)).toEqual(oracle(name, pane, device, horizonPane));
      }
    }),
    { numRuns: 500 },
  );
});

test('what is saved is of its moment, and places that are free are not in it', () => {
  const visitors = createVisitors(options);
  const hour = 60 * PANE_MS;
  for (let index = 0; index < 100; index++)
    visitors.visit(keyOf(`v${index}`), index % 2 === 0 ? 0 : 9 * hour, 'mobile');
  visitors.evict(5 * hour);
  const saved = visitors.save();
  for (let index = 0; index < 70; index++) visitors.visit(keyOf(`new${index}`), 10 * hour, 'mobile');
  visitors.visit(keyOf('v61'), 10 * hour, 'tablet');
  const restored = createVisitors(options, saved);
  expect(restored.size).toBe(50);
  for (let index = 1; index < 100; index += 2)
    expect(restored.visit(keyOf(`v${index}`), 9 * hour, 'mobile')).toMatchObject({
      firstInPane: false,
      previousNewestMs: 9 * hour,
    });
  expect(restored.visit(keyOf('v0'), 9 * hour, 'mobile')).toMatchObject({ firstInPane: true, previousNewestMs: NEVER });
});

test('a state that was saved with another look back goes on with this one', () => {
  const visitors = createVisitors(options);
  for (const name of ['a', 'b']) visitors.visit(keyOf(name), 0, 'mobile');
  for (const lookBackMs of [0, 200 * PANE_MS]) {
    const other = createVisitors({ ...options, lookBackMs }, visitors.save());
    for (const name of ['a', 'b'])
      expect(other.visit(keyOf(name), 0, 'mobile')).toMatchObject({ firstInPane: false, newestOfDevice: false });
  }
});

test('as many visitors are kept as are allowed, and room is made when some leave', () => {
  const visitors = createVisitors({ ...options, maxVisitors: 2 });
  expect(visitors.visit(keyOf('a'), 0, 'mobile')).toBeDefined();
  expect(visitors.visit(keyOf('b'), 0, 'mobile')).toBeDefined();
  expect(visitors.visit(keyOf('c'), 0, 'mobile')).toBeUndefined();
  visitors.evict(60 * PANE_MS);
  expect(visitors.visit(keyOf('c'), 60 * PANE_MS, 'mobile')).toMatchObject({ firstInPane: true, newestOfDevice: true });
  expect(visitors.size).toBe(1);
});
