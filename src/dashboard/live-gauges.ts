import { Gauge, Registry } from 'prom-client';
import type { LiveFigures, ShownMetric } from '../shared/live.js';
import { prometheusName, SESSIONS_OPEN_GAUGE } from '../shared/live-catalogue.js';

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** The live figures in Prometheus' text format: a gauge for each metric, of the time that the metric looks back over. */
export async function liveGauges(figures: LiveFigures): Promise<string> {
  const registry = new Registry();
  const gauge = (name: string, help: string, samples: readonly Sample[]) => {
    // Without a sample it would be shown as 0.
    if (samples.length === 0) return;
    const fullName = `penstock_live_${prometheusName(name)}`;
    // No aggregator has two metrics that are one here, but two versions of them may: the second must not cost all.
    if (registry.getSingleMetric(fullName) !== undefined) return;
    const labelNames = [...new Set(samples.flatMap(([labels]) => Object.keys(labels)))];
    const family = new Gauge({ name: fullName, help, labelNames, registers: [registry] });
    for (const [labels, value] of samples) family.set(readable(labels), value);
  };
  gauge('visitors', 'Distinct visitors of the last 15 minutes.', [[{}, figures.visitors.total]]);
  gauge(SESSIONS_OPEN_GAUGE, 'Sessions that are open.', [[{}, figures.sessions.open]]);
  gauge('devices', 'Distinct visitors of the last 10 minutes by type of device.', samplesOf(figures.devices.byType));
  gauge(
    'pages',
    'Views of the most viewed pages of the last hour.',
    figures.pages.map(({ path, views }) => [{ key: path }, views]),
  );
  gauge(
    'categories',
    'Views of items of the last hour by category.',
    figures.categories.map(({ category, views }) => [{ key: category }, views]),
  );
  for (const [name, metric] of Object.entries(figures.metrics)) gauge(name, metric.help, samplesOfMetric(metric));
  return registry.metrics();
}

/** Prometheus takes a zero character for the end of the text, and then refuses all of it. */
const readable = (labels: Sample[0]): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, value.replaceAll('\0', '\uFFFD')]));

const samplesOf = (values: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(values).map(([key, value]) => [{ key }, value]);

function samplesOfMetric({ values }: ShownMetric): Sample[] {
  return values.flatMap(({ key, value }): Sample[] => {
    if (typeof value === 'number') return [[{ key }, value]];
    // A text has no number.
    if (value === null || typeof value === 'string') return [];
    if ('count' in value) {
      const { p50, p95, p99 } = value;
      const quantiles = Object.entries({ '0.5': p50, '0.95': p95, '0.99': p99 });
      return quantiles.flatMap(([quantile, at]): Sample[] => (at === null ? [] : [[{ key, quantile }, at]]));
    }
    return value.map(({ name, count }) => [{ key, name }, count]);
  });
}
