import { expect, test } from 'vitest';
import { defineMetric, type PaneMetric } from '../../../src/aggregators/metrics/define.js';
import { defineSessionMetric } from '../../../src/aggregators/metrics/define-session.js';
import { hopping, rolling, session, tumbling } from '../../../src/aggregators/metrics/window.js';
import { defaultAggregatorOptions } from '../../../src/aggregators/options.js';
import { createPartitionState, type PartitionState } from '../../../src/aggregators/state/partition.js';
import type { SavedState } from '../../../src/aggregators/state/saved.js';
import { type AggregateName, aggregateOf } from '../../../src/shared/aggregates/index.js';
import { pageView, START_MS } from '../driver.js';
import { refusalOf } from './refusal.js';

const MINUTE = 60_000;
const purchase = (atMs: number, value: unknown, currency = 'EUR') => ({
  ...pageView(atMs),
  type: 'purchase',
  data: { anonymousId: 'v1', properties: { value, currency }, context: {} },
});

const partsWith = (metric: PaneMetric) => ({ metrics: [metric], listMetrics: [], seed: [1, 2] as const });

/** A state with one metric only, which was given these events; what it shows, as `pane name: value`. */
function counted(metric: PaneMetric, events: readonly unknown[], saved?: SavedState) {
  const state = createPartitionState(defaultAggregatorOptions, partsWith(metric), saved);
  let sequenceNumber = saved === undefined ? 0 : saved.position.sequenceNumber + 1;
  for (const event of events) {
    state.apply([event], { sequenceNumber: sequenceNumber++, offset: '', enqueuedAtMs: START_MS + 600 * MINUTE });
  }
  return { state, shown: shownBy(state) };
}

function shownBy(state: PartitionState): Record<string, number | string> {
  const changes = state.takeChanges();
  if (changes === undefined) return {};
  state.written(changes);
  const values = [...changes.panes, { metric: { name: 'totals' }, changes: changes.totals }].flatMap(
    ({ metric, changes: panes }) =>
      panes.flatMap(({ startMs, names, values: encoded }) =>
        names.map((name, index) => [
          metric.name === 'totals' ? name : `${(startMs - START_MS) / MINUTE} ${name}`,
          encoded[index] as number | string,
        ]),
      ),
  );
  return Object.fromEntries(values);
}

const base = { name: 'test', help: 'A test.', unit: 'things', window: tumbling(MINUTE) };

test('a metric counts the events of its filter under their keys, and leaves out what has none', () => {
  const metric = defineMetric({
    ...base,
    filter: ({ event }) => event.type === 'page_view',
    key: ({ event }) => event.data.page?.path,
  });
  const { shown } = counted(metric, [
    pageView(0, { path: '/a' }),
    pageView(5 * MINUTE, { path: '/a' }),
    pageView(0, { path: '' }),
    purchase(0, 1),
  ]);
  expect(shown).toEqual({ '0 /a': 1, '5 /a': 1, counted: 4 });
});

test('an event with several keys counts under each, a number is a name, and what is neither text nor number is none', () => {
  const ofKey = (key: unknown) => counted(defineMetric({ ...base, key: () => key }), [pageView(0)]).shown;
  expect(ofKey(['a', 'b', 7, null, '', Number.NaN])).toEqual({ '0 a': 1, '0 b': 1, '0 7': 1, counted: 1 });
  expect(ofKey(4.5)).toEqual({ '0 4.5': 1, counted: 1 });
  for (const none of [null, undefined, '', true, {}, Number.POSITIVE_INFINITY])
    expect(ofKey(none)).toEqual({ counted: 1 });
});

test('a value that is no number is left out of a sum, and costs the event nothing else', () => {
  const metric = defineMetric({
    ...base,
    key: ({ event }) => event.data.properties?.['currency'],
    aggregate: 'sum',
    value: ({ event }) => event.data.properties?.['value'] as number,
  });
  const { shown } = counted(metric, [
    purchase(0, 19.99),
    purchase(0, 0.01),
    purchase(0, 'NaN'),
    purchase(0, Number.NaN),
  ]);
  expect(shown).toEqual({ '0 EUR': '200000', counted: 4 });
});

test('an event that is later than a metric allows is late for this metric and counted for the others', () => {
  const metric = defineMetric({ ...base, latenessMs: 10 * MINUTE });
  const { state, shown } = counted(metric, [pageView(30 * MINUTE), pageView(20 * MINUTE), pageView(20 * MINUTE - 1)]);
  expect(shown).toEqual({ '30 all': 1, '20 all': 1, counted: 3, 'late:test': 1 });
  const [kept] = state.save().late ?? [];
  expect(kept).toMatchObject({
    sequenceNumber: 2,
    behindMs: 10 * MINUTE + 1,
    metrics: { test: START_MS + 19 * MINUTE },
  });
});

test('panes are as wide as the window says', () => {
  const metric = defineMetric({ ...base, window: tumbling(10 * MINUTE) });
  const events = [0, 9, 10, 25].map((minute) => pageView(minute * MINUTE));
  expect(counted(metric, events).shown).toEqual({ '0 all': 2, '10 all': 1, '20 all': 1, counted: 4 });
});

test('a changed definition takes a new generation and begins anew; another text, unit or look does not', () => {
  const first = defineMetric({ ...base, key: () => 'a' });
  const { state } = counted(first, [pageView(0), pageView(0)]);
  const saved = state.save();
  const same = defineMetric({ ...base, help: 'Other words.', unit: 'pieces', key: () => 'a', emit: { top: 3 } });
  expect(same.description.generation).toBe(first.description.generation);
  expect(counted(same, [pageView(0)], saved).shown).toEqual({ '0 a': 3, counted: 3 });
  for (const change of [
    { window: tumbling(2 * MINUTE) },
    { key: () => 'b' },
    { filter: () => true },
    { aggregate: 'max' as const, value: () => 1 },
    { latenessMs: MINUTE },
    { version: 2 },
  ]) {
    const changed = defineMetric({ ...base, key: () => 'a', ...change });
    expect(changed.description.generation, Object.keys(change)[0]).not.toBe(first.description.generation);
    const name = 'key' in change ? '0 b' : '0 a';
    expect(String(counted(changed, [pageView(0)], saved).shown[name])).toBe('1');
  }
});

const idOf = ({ description }: Pick<PaneMetric, 'description'>) => `${description.name}@${description.generation}`;

test('a definition that comes back goes on with its panes, and has nothing of what another counted meanwhile', () => {
  const first = defineMetric({ ...base, key: () => 'a' });
  const second = defineMetric({ ...base, key: () => 'a', version: 2 });
  const before = counted(first, [pageView(0), pageView(0)]).state.save();
  const meanwhile = counted(second, [pageView(0), pageView(MINUTE)], before);
  expect(meanwhile.shown).toEqual({ '0 a': 1, '1 a': 1, counted: 4 });
  const back = counted(first, [pageView(0)], meanwhile.state.save());
  expect(back.shown).toEqual({ '0 a': 3, counted: 5 });
  const again = counted(second, [pageView(MINUTE)], back.state.save());
  expect(again.shown).toEqual({ '0 a': 1, '1 a': 2, counted: 6 });
});

test('panes of a definition that is gone leave the state when they cannot change any more', () => {
  const first = defineMetric({ ...base, key: () => 'a' });
  const second = defineMetric({ ...base, key: () => 'a', version: 2 });
  const before = counted(first, [pageView(0)]).state.save();
  const kept = counted(second, [pageView(60 * MINUTE)], before).state.save();
  expect(Object.keys(kept.panes).sort()).toEqual([idOf(first), idOf(second)].sort());
  const later = counted(second, [pageView(5 * 60 * MINUTE)], kept).state.save();
  expect(Object.keys(later.panes)).toEqual([idOf(second)]);
});

test('of a metric of sessions that is gone nothing is kept: it would count those that go on once more', () => {
  const ofSessions = defineSessionMetric({
    ...{ name: 'ofSessions', help: 'A test.', unit: 'sessions', window: session(60 * MINUTE, 30 * MINUTE) },
    key: () => 'any',
  });
  const first = defineMetric({ ...base, key: () => 'a' });
  const parts = { ...partsWith(first), metrics: [first, ofSessions] };
  const state = createPartitionState(defaultAggregatorOptions, parts);
  state.apply([pageView(0)], { sequenceNumber: 0, offset: '', enqueuedAtMs: START_MS });
  const second = defineMetric({ ...base, key: () => 'a', version: 2 });
  const after = counted(second, [pageView(0)], state.save()).state.save();
  expect(Object.keys(after.panes).sort()).toEqual([idOf(first), idOf(second)].sort());
});

test('names in all panes of a metric are bounded, and room is made when panes leave', () => {
  const metric = defineMetric({ ...base, key: ({ event }) => event.data.page?.path });
  const options = { ...defaultAggregatorOptions, names: { maxNamesPerPane: 10, maxNames: 3, maxCharacters: 10_000 } };
  const state = createPartitionState(options, partsWith(metric));
  const views = (minute: number, ...paths: string[]) => paths.map((path) => pageView(minute * MINUTE, { path }));
  const apply = (sequenceNumber: number, pack: readonly unknown[]) => {
    state.apply(pack, { sequenceNumber, offset: '', enqueuedAtMs: START_MS + 600 * MINUTE });
    return shownBy(state);
  };
  expect(apply(0, [...views(0, 'a', 'b'), ...views(1, 'a', 'b', 'c', 'a')])).toEqual({
    '0 a': 1,
    '0 b': 1,
    '1 a': 2,
    '1 (other)': 2,
    counted: 6,
  });
  expect(apply(1, views(200, 'd', 'e'))).toMatchObject({ '200 d': 1, '200 e': 1 });
});

test('a wrong definition stops the start, and its error names the metric and the field', () => {
  const refusal = (change: object) =>
    refusalOf(() => defineMetric({ ...base, ...change } as Parameters<typeof defineMetric>[0]));
  expect(refusal({})).toBe('none');
  for (const [change, told] of [
    [{ name: 'a}b' }, 'metric "a}b": name'],
    [{ name: 'totals' }, 'metric "totals": name'],
    [{ name: 'offers' }, 'metric "offers": name'],
    [{ unit: '' }, 'unit'],
    [{ window: tumbling(0) }, 'window.sizeMs'],
    [{ window: tumbling(Number.NaN) }, 'window.sizeMs'],
    [{ window: rolling(MINUTE, 0.5) }, 'window.paneMs'],
    [{ window: hopping(10 * MINUTE, 10 * MINUTE - 7) }, 'window: 1199992 panes'],
    [{ window: rolling(30 * 24 * 60 * MINUTE, 60 * MINUTE) }, 'window: looks back longer than panes are retained'],
    [{ aggregate: 'average' }, 'aggregate'],
    [{ agregate: 'sum' }, 'agregate'],
    [{ window: rolling(90_000, MINUTE) }, 'window.lastMs: expected a multiple of paneMs'],
    [
      { window: session(60 * MINUTE, 30 * MINUTE) },
      'window.kind: metrics of sessions are defined by defineSessionMetric',
    ],
    [{ aggregate: 'distinct' }, 'value: this aggregate has nothing to look at'],
    [{ aggregate: 'mean' }, 'value: this aggregate has nothing to look at'],
    [{ value: () => 5 }, 'value: a count looks at none'],
    [{ names: () => ['a'] }, 'names'],
    [{ latenessMs: 61 * MINUTE }, 'latenessMs'],
    [{ latenessMs: Number.NaN }, 'latenessMs'],
    [{ emit: { windows: 1_000_000 } }, 'window: 1000000 panes'],
    [{ emit: { top: 0 } }, 'emit.top'],
    [{ filter: 'page_view' }, 'filter'],
  ] as const) {
    expect(refusal(change), JSON.stringify(change)).toContain(told);
    expect(refusal(change)).toMatch(/^metric "/);
  }
});

test('what a client sends in place of a text or a number is taken as one or left out, and long texts are cut', () => {
  const shown = (aggregate: AggregateName, ...values: readonly unknown[]) => {
    const value: NonNullable<Parameters<typeof defineMetric>[0]['value']> = ({ event }) =>
      event.data.properties?.['value'] as string;
    const { shown: panes } = counted(
      defineMetric({ ...base, aggregate, value }),
      values.map((each) => purchase(0, each)),
    );
    const encoded = panes['0 all'];
    const { decode, result } = aggregateOf(aggregate);
    return encoded === undefined ? undefined : result(decode(encoded));
  };
  const odd = [null, true, {}, ['a']];
  expect(shown('distinct', 1, 2, '2', ...odd)).toBe(2);
  expect(shown('top', 7, '7', ...odd)).toEqual([{ name: '7', count: 2, error: 0 }]);
  for (const aggregate of ['first', 'last', 'sum', 'quantiles'] as const)
    expect(shown(aggregate, ...odd), aggregate).toBeUndefined();
  expect(shown('last', 'x'.repeat(5_000))).toBe(`${'x'.repeat(1_024)}…`);
  expect(shown('top', 'a\ud800')).toEqual([{ name: 'a\ufffd', count: 1, error: 0 }]);
});

test('a metric whose code throws leaves out the event, which counts in the others, and is told of by its name', () => {
  const broken = defineMetric({
    ...base,
    name: 'broken',
    key: ({ event }) => (event.data.properties as { items: { id: string }[] }).items[0]?.id,
  });
  const sound = defineMetric({ ...base, name: 'sound' });
  const ofSessions = defineSessionMetric({
    ...{ name: 'ofSessions', help: 'A test.', unit: 'sessions', window: session(60 * MINUTE, 30 * MINUTE) },
    each: { marks: ({ event }) => (event.data.page as { path: string }).path.length },
    key: () => 'any',
  });
  const failures: [string, unknown][] = [];
  const metrics = [broken, sound, ofSessions];
  const onFailure = (name: string, error: unknown) => failures.push([name, error]);
  const parts = { metrics, listMetrics: [], seed: [1, 2] as const, onFailure };
  const state = createPartitionState(defaultAggregatorOptions, parts);
  state.apply([purchase(0, 1), purchase(0, 2)], { sequenceNumber: 0, offset: '', enqueuedAtMs: START_MS });
  const changes = state.takeChanges();
  expect(changes?.panes.map(({ metric, changes: [pane] }) => [metric.name, pane?.values])).toEqual([
    ['sound', [2]],
    ['ofSessions', [1]],
  ]);
  const [totals] = changes?.totals ?? [];
  const total = (name: string) => totals?.values[totals.names.indexOf(name)];
  expect([total('failed:broken'), total('failed:ofSessions'), total('counted')]).toEqual([2, 2, 2]);
  expect(failures.map(([name]) => name)).toEqual(['broken', 'ofSessions', 'broken', 'ofSessions']);
  expect(failures[0]?.[1]).toBeInstanceOf(TypeError);
});
