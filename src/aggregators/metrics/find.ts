import { readdirSync } from 'node:fs';
import { checkNames } from './check.js';
import type { ListMetricDefinition, PaneMetric } from './define.js';
import type { SessionMetric } from './define-session.js';

export type Metric = PaneMetric | SessionMetric | ListMetricDefinition;

/** The metrics that the files of a folder export, but for its index, in the order of their names. */
export async function findMetrics(folder: URL): Promise<readonly Metric[]> {
  const files = readdirSync(folder).filter((name) => /^(?!index\.).*(?<!\.d)\.[jt]s$/.test(name));
  const modules = await Promise.all(
    files.sort().map((name) => import(new URL(name, folder).href) as Promise<Readonly<Record<string, unknown>>>),
  );
  const metrics = modules.flatMap((module) => Object.values(module)).filter(isMetric);
  checkNames(metrics.map(nameOf));
  return metrics;
}

const nameOf = (metric: Metric): string => (metric.kind === 'list' ? metric.name : metric.description.name);

const KINDS: ReadonlySet<unknown> = new Set(['panes', 'sessions', 'list'] satisfies Metric['kind'][]);

const isMetric = (value: unknown): value is Metric =>
  typeof value === 'object' && value !== null && 'kind' in value && KINDS.has(value.kind);
