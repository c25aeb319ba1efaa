import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rankedOf, rowsOf, spanOf } from '../../../src/dashboard/web/range.js';
import { stepMinutesOf } from '../../../src/dashboard/web/range-metric.js';
import { shapeOf, shapeOfMetric, titleOf } from '../../../src/dashboard/web/shape.js';

describe('the form of a figure', () => {
  it.each([
    ['a list of names with numbers', [{ path: '/a', views: 3 }], 'ranked'],
    ['numbers by name', { dry: 3, wet: 4 }, 'ranked'],
    ['panes', [{ start: '2026-11-21T12:00:00Z', sales: 1 }], 'series'],
    ['panes and their total', { open: 1, series: [{ start: '2026-11-21T12:00:00Z', sessions: 1 }] }, 'series'],
    ['things that happened', [{ time: '2026-11-21T12:00:00Z', step: 'shoes' }], 'listed'],
  ])('is told from %s', (_, value, kind) => {
    expect(shapeOf(value)?.kind).toBe(kind);
  });

  it('of a metric with more names than have room has those with the most over the whole time', () => {
    const windows = [
      { DKK: 1, NOK: 2, SEK: 3, PLN: 4, CZK: -50 },
      { EUR: 900, DKK: 2 },
    ];
    const metric = { help: '', unit: 'money', aggregate: 'sum' as const, windowMs: 60_000 };
    const shape = shapeOfMetric({
      ...metric,
      values: [{ key: 'HUF', value: 1 }],
      series: windows.map((values, index) => ({ start: `2026-11-21T12:0${index}:00Z`, values })),
    });
    expect(shape).toMatchObject({ kind: 'series', columns: ['CZK', 'DKK', 'EUR', 'PLN', 'SEK'] });
  });

  it('of single steps has the last one that is over, whose change is told, and not the running one', () => {
    const series = [{ EUR: 900 }, { EUR: 910.5, CHF: 3 }, { EUR: 4 }].map((values, index) => ({
      start: `2026-11-21T12:0${index}:00Z`,
      values,
    }));
    const metric = { help: '', unit: 'money', aggregate: 'sum' as const, values: [{ key: 'EUR', value: 4 }] };
    const totalsOf = (windowMs: number) =>
      (shapeOfMetric({ ...metric, series, windowMs }) as { totals: unknown }).totals;
    expect(totalsOf(60_000)).toEqual([
      { label: 'CHF', value: 3 },
      { label: 'EUR', value: 910.5 },
    ]);
    expect(totalsOf(180_000)).toEqual([{ label: 'EUR', value: 4 }]);
    const means = series.map((window, index) => (index === 1 ? { ...window, values: {} } : window));
    const mean = { ...metric, aggregate: 'mean' as const, series: means, windowMs: 60_000 };
    expect(shapeOfMetric(mean)).toMatchObject({ totals: [], columns: ['EUR'] });
  });

  it('of a metric has each name in one place, whichever is the largest now', () => {
    const series = [{ EUR: 9 }, { CHF: 4, EUR: 2 }].map((values, index) => ({
      start: `2026-11-21T12:0${index}:00Z`,
      values,
    }));
    const metric = { help: '', unit: 'money', aggregate: 'sum' as const, windowMs: 120_000, series };
    const ranked = (keys: readonly string[]) => keys.map((key, index) => ({ key, value: 9 - index }));
    const shapes = [['EUR', 'CHF'], ['CHF', 'EUR'], []].map((keys) =>
      shapeOfMetric({ ...metric, values: ranked(keys) }),
    );
    for (const shape of shapes) expect(shape).toMatchObject({ columns: ['CHF', 'EUR'] });
  });

  it('is one that can be shown or none, whatever the server sends', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const shape = shapeOf(value);
        if (shape?.kind === 'ranked') for (const { value: each } of shape.entries) expect(each).toBeTypeOf('number');
        if (shape?.kind === 'series') {
          for (const { values } of shape.rows) expect(values).toHaveLength(shape.columns.length);
        }
        if (shape?.kind === 'listed') for (const row of shape.rows) expect(row).toHaveLength(shape.columns.length);
      }),
    );
  });

  it('of sums is 0 where nothing was, and of quantiles nothing', () => {
    const metric = { help: '', unit: '', windowMs: 60_000, values: [] };
    const series = (values: object[]) =>
      values.map((each, index) => ({ start: `2026-11-21T12:0${index}:00Z`, values: each }));
    const valuesOf = (shape: ReturnType<typeof shapeOfMetric>) =>
      shape?.kind === 'series' ? shape.rows.map(({ values }) => values) : undefined;
    const sums = { ...metric, aggregate: 'sum' as const, series: series([{ EUR: 5 }, {}, { EUR: 7, CHF: 1 }]) };
    expect(valuesOf(shapeOfMetric(sums as never))).toEqual([
      [0, 5],
      [0, 0],
      [1, 7],
    ]);
    const distinct = { ...sums, aggregate: 'distinct' as const };
    expect(valuesOf(shapeOfMetric(distinct as never))?.[1]).toEqual([0, 0]);
    const delay = (p50: number) => ({ all: { count: 1, p50, p95: null, p99: null } });
    const quantiles = { ...metric, aggregate: 'quantiles' as const, series: series([delay(5), {}]) };
    expect(valuesOf(shapeOfMetric(quantiles as never))).toEqual([[5], [null]]);
  });

  it('of texts is a list: by name, or by window, the newest first', () => {
    const metric = { help: '', unit: '', windowMs: 60_000, aggregate: 'last' as const, series: [] };
    const window = (minute: number, values: object) => ({ start: `2026-11-21T12:0${minute}:00Z`, values });
    expect(shapeOfMetric({ ...metric, values: [{ key: 'all', value: '/a' }] })).toEqual({
      ...{ kind: 'listed', columns: ['value'], rows: [['/a']] },
    });
    expect(shapeOfMetric({ ...metric, values: [{ key: 'shop', value: '/a' }] })).toEqual({
      ...{ kind: 'listed', columns: ['name', 'value'], rows: [['shop', '/a']] },
    });
    const series = [window(0, { all: '/a' }), window(1, {}), window(2, { all: '/b' })];
    expect(shapeOfMetric({ ...metric, values: [], series } as never)).toEqual({
      kind: 'listed',
      columns: ['time', 'value'],
      rows: [
        ['2026-11-21T12:02:00Z', '/b'],
        ['2026-11-21T12:00:00Z', '/a'],
      ],
    });
  });

  it('of the most frequent names keeps apart what they are the most frequent of', () => {
    const top = (name: string) => [{ name, count: 3, error: 0 }];
    const values = [
      { key: 'blog', value: top('/a') },
      { key: 'shop', value: top('/a') },
    ];
    const metric = { help: '', unit: '', windowMs: 60_000, aggregate: 'top' as const, series: [] };
    expect(shapeOfMetric({ ...metric, values })).toEqual({
      kind: 'ranked',
      entries: [
        { label: 'blog /a', value: 3 },
        { label: 'shop /a', value: 3 },
      ],
    });
  });

  it('has a title made of its name', () => {
    expect([titleOf('visitorsLatest'), titleOf('add_to_cart')]).toEqual(['Visitors latest', 'Add to cart']);
  });
});

describe('a range', () => {
  const NOW_MS = Date.UTC(2026, 10, 21, 12, 7, 30);
  const range = { id: '6h', label: '6 h', minutes: 360, stepMinutes: 5, note: '' };

  it('ends with the step that is running, and has whole steps only', () => {
    const span = spanOf(range, NOW_MS);
    expect(new Date(span.toMs).toISOString()).toBe('2026-11-21T12:10:00.000Z');
    expect([span.toMs - span.fromMs, span.fromMs % span.stepMs]).toEqual([6 * 3_600_000, 0]);
  });

  it('shows means a minute, of the running step over the minutes that it had', () => {
    const span = spanOf(range, NOW_MS);
    const pane = (startMs: number) => ({ start: new Date(startMs).toISOString(), values: { visitors: 30 } });
    const rows = rowsOf([pane(span.fromMs), pane(span.toMs - span.stepMs)], span, ['visitors', 'other'], NOW_MS);
    expect(rows).toHaveLength(72);
    expect(rows[0]?.values).toEqual([6, 0]);
    expect(rows[1]?.values).toEqual([0, 0]);
    // 12:05, 12:06 and the half of 12:07.
    expect(rows.at(-1)?.values).toEqual([10, 0]);
  });

  it('has steps of whole panes and whole minutes', () => {
    const steps = [1_000, 60_000, 90_000, 1_800_000, 86_400_000].map((paneMs) => stepMinutesOf(range, { paneMs }));
    expect(steps).toEqual([5, 5, 6, 30, 1_440]);
  });

  it('ranks by number, then by name', () => {
    const panes = [{ start: '', values: { b: 1, a: 1, c: 9, none: 0 } }];
    expect(rankedOf(panes, 2)).toEqual([
      { label: 'c', value: 9 },
      { label: 'a', value: 1 },
    ]);
  });
});

it('that something of a step was taken back is a mark of its row, and no column', () => {
  const start = '2026-11-21T12:00:00Z';
  const marked = (shape: ReturnType<typeof shapeOf>) =>
    shape?.kind === 'series'
      ? { columns: shape.columns, revised: shape.rows.map(({ revised }) => revised) }
      : undefined;
  const panes = [
    { start, sessions: 1 },
    { start, sessions: 1, revision: 2 },
  ];
  expect(marked(shapeOf({ open: 1, series: panes }))).toEqual({ columns: ['sessions'], revised: [false, true] });
  const series = panes.map(({ sessions, ...rest }) => ({ ...rest, values: { view: sessions } }));
  const metric = { help: '', unit: '', windowMs: 1, aggregate: 'count' as const, values: [], series };
  expect(marked(shapeOfMetric(metric))).toEqual({ columns: ['view'], revised: [false, true] });
});
