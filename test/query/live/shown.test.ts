import { expect, test } from 'vitest';
import { defineMetric } from '../../../src/aggregators/metrics/define.js';
import { type EventWindow, hopping, rolling, tumbling } from '../../../src/aggregators/metrics/window.js';
import { shownMetric, shownStarts } from '../../../src/query/live/shown.js';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 0, 1, 12, 7, 30);
const at = (minute: number) => Date.UTC(2026, 0, 1, 12, minute);

function shown(
  window: EventWindow,
  emit: { windows?: number; top?: number },
  panes: Record<number, Record<string, number>>,
) {
  const { description } = defineMetric({ name: 'test', help: 'For the test', unit: 'events', window, emit });
  const starts = new Set(shownStarts(description, NOW));
  const read = Object.entries(panes)
    .map(([minute, values]) => [at(Number(minute)), { values: new Map(Object.entries(values)) }] as const)
    .filter(([startMs]) => starts.has(startMs));
  const { values, series } = shownMetric(description, new Map(read), NOW);
  return {
    values: Object.fromEntries(values.map(({ key, value }) => [key, value])),
    order: values.map(({ key }) => key),
    series: series.map(({ start, values: ofWindow }) => [start.slice(11, 16), ofWindow]),
  };
}

test('a rolling metric is merged from the panes of its time, and no others', () => {
  const { values, series } = shown(
    rolling(3 * MINUTE, MINUTE),
    {},
    { 4: { a: 100 }, 5: { a: 1 }, 6: { b: 2 }, 7: { a: 4 }, 8: { a: 100 } },
  );
  expect(values).toEqual({ a: 5, b: 2 });
  expect(series).toEqual([]);
});

test('a window of a series has the names with the largest values, in whatever order they were read', () => {
  const { series } = shown(
    tumbling(MINUTE),
    { windows: 2, top: 2 },
    { 6: { a: 1, b: 9, c: 5 }, 7: { d: 1, e: 2, f: 3 } },
  );
  expect(series).toEqual([
    ['12:06', { b: 9, c: 5 }],
    ['12:07', { f: 3, e: 2 }],
  ]);
});

test('a series has every window, oldest first, those without events too', () => {
  const { values, series } = shown(tumbling(MINUTE), { windows: 3 }, { 4: { a: 9 }, 5: { a: 1 }, 7: { b: 2 } });
  expect(values).toEqual({ b: 2 });
  expect(series).toEqual([
    ['12:05', { a: 1 }],
    ['12:06', {}],
    ['12:07', { b: 2 }],
  ]);
});

test('windows of a series have what was in them, also when the newest window has nothing of it any more', () => {
  const panes = { 1: { a: 4, b: 1 }, 3: { b: 2 } };
  const hops = shown(hopping(2 * MINUTE, MINUTE), { windows: 6, top: 1 }, panes);
  expect(hops.values).toEqual({});
  expect(hops.series).toEqual([
    ['12:01', { a: 4 }],
    ['12:02', { b: 2 }],
    ['12:03', { b: 2 }],
    ['12:04', {}],
    ['12:05', {}],
    ['12:06', {}],
  ]);
  const short = shown(rolling(2 * MINUTE, MINUTE), { windows: 7, top: 1 }, panes);
  expect(short.series.slice(0, 3)).toEqual([
    ['12:01', { a: 4 }],
    ['12:02', {}],
    ['12:03', { b: 2 }],
  ]);
});

test('the series of a figure that looks back over all of it has the names of the figure', () => {
  const { order, series } = shown(
    rolling(3 * MINUTE, MINUTE),
    { windows: 2, top: 1 },
    { 5: { a: 9 }, 6: { b: 2, a: 1 } },
  );
  expect(order).toEqual(['a']);
  expect(series).toEqual([
    ['12:06', { a: 1 }],
    ['12:07', {}],
  ]);
});

test('hopping windows share their panes, and begin at whole multiples of their step', () => {
  const panes = Object.fromEntries(Array.from({ length: 12 }, (_, minute) => [minute - 4, { a: 1 }]));
  const every = shown(hopping(3 * MINUTE, MINUTE), { windows: 2 }, panes);
  expect(every.values).toEqual({ a: 3 });
  expect(every.series).toEqual([
    ['12:04', { a: 3 }],
    ['12:05', { a: 3 }],
  ]);
  const wide = shown(hopping(6 * MINUTE, 4 * MINUTE), { windows: 2 }, panes);
  // Its panes are of 2 minutes: those that begin in odd minutes are none of them.
  expect(wide.series).toEqual([
    ['11:56', { a: 3 }],
    ['12:00', { a: 3 }],
  ]);
});

test('of many names those with the largest values are shown, in a steady order', () => {
  const { order } = shown(rolling(MINUTE, MINUTE), { top: 3 }, { 7: { d: 1, c: 5, b: 5, a: 2, e: 9 } });
  expect(order).toEqual(['e', 'b', 'c']);
});
