import { expect, test } from 'vitest';
import { liveGauges } from '../../src/dashboard/live-gauges.js';
import { noFigures } from '../helpers/live-source.js';

const metric = { help: 'A metric.', unit: 'ms', windowMs: 60_000, series: [] };

test('every figure is a gauge: numbers by key, quantiles by quantile, and no texts', async () => {
  const text = await liveGauges({
    ...noFigures,
    visitors: { ...noFigures.visitors, total: 7 },
    pages: [{ path: '/a"b\\', views: 3 }],
    metrics: {
      ingestionDelay: {
        ...metric,
        aggregate: 'quantiles',
        values: [{ key: 'all', value: { count: 2, p50: 10, p95: 20.5, p99: null } }],
      },
      lastWord: { ...metric, aggregate: 'last', values: [{ key: 'all', value: 'hello' }] },
      referrers: { ...metric, aggregate: 'top', values: [{ key: 'all', value: [{ name: 'x', count: 4, error: 0 }] }] },
      countries: { ...metric, aggregate: 'count', values: [{ key: 'DE', value: 5 }] },
    },
  });
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(samples).toEqual([
    'penstock_live_visitors 7',
    'penstock_live_sessions_open 0',
    'penstock_live_pages{key="/a\\"b\\\\"} 3',
    'penstock_live_ingestion_delay{key="all",quantile="0.5"} 10',
    'penstock_live_ingestion_delay{key="all",quantile="0.95"} 20.5',
    'penstock_live_referrers{key="all",name="x"} 4',
    'penstock_live_countries{key="DE"} 5',
  ]);
});

test('a name with a zero character in it, at which Prometheus refuses all that it was told, is shown without it', async () => {
  const text = await liveGauges({
    ...noFigures,
    pages: [
      { path: '/a\0b', views: 3 },
      { path: '/ç\n', views: 2 },
    ],
  });
  expect(text).not.toContain('\0');
  expect(text).toContain('penstock_live_pages{key="/a\uFFFDb"} 3\n');
  expect(text).toContain('penstock_live_pages{key="/ç\\n"} 2\n');
});

test('of two metrics that Prometheus cannot tell apart by their names the first is a gauge, and all others are too', async () => {
  const count = { ...metric, aggregate: 'count' as const };
  const text = await liveGauges({
    ...noFigures,
    metrics: {
      sessionsOpen: { ...count, values: [{ key: 'all', value: 1 }] },
      cartValue: { ...count, values: [{ key: 'all', value: 2 }] },
      cart_value: { ...count, values: [{ key: 'all', value: 3 }] },
      other: { ...count, values: [{ key: 'all', value: 4 }] },
    },
  });
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(samples).toEqual([
    'penstock_live_visitors 0',
    'penstock_live_sessions_open 0',
    'penstock_live_cart_value{key="all"} 2',
    'penstock_live_other{key="all"} 4',
  ]);
});
