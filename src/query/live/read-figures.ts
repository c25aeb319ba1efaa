import type { LiveFigures } from '../../shared/live.js';
import type { MetricDescription } from '../../shared/live-catalogue.js';
import { AHEAD_PANES, LIST_NAME, type ListMetric, listMetrics } from '../../shared/live-keys.js';
import { figuresOf, type LiveData, lookBack, OPEN_PANES, type OwnMetric, ownMetrics } from './figures.js';
import { shownMetric, shownStarts } from './shown.js';
import type { Pane } from './store.js';

/** Where figures are read from: Redis, or what was computed from the events anew. */
export interface FiguresStore {
  /** The metrics that are kept, by name. */
  catalogue(): Promise<ReadonlyMap<string, MetricDescription>>;
  /** The panes that exist among those that start at `startsMs`, added up over the partitions. */
  readPanes(
    metric: MetricDescription,
    startsMs: readonly number[],
  ): Promise<ReadonlyMap<number, Pick<Pane, 'values' | 'revision'>>>;
  /** Text values of a metric without panes, by partition. */
  readTexts(metric: string, name: string): Promise<ReadonlyMap<string, string>>;
}

/** The live figures as of `nowMs`. */
export async function readFigures(store: FiguresStore, nowMs: number): Promise<LiveFigures> {
  const catalogue = await store.catalogue();
  const own = async (name: OwnMetric) => {
    const metric = catalogue.get(name);
    if (metric === undefined) return [name, new Map()] as const;
    const { paneMs } = metric;
    const newestMs = nowMs - (nowMs % paneMs) + AHEAD_PANES * paneMs;
    const length = AHEAD_PANES + (name === 'visitors' ? OPEN_PANES : lookBack[name]);
    const startsMs = Array.from({ length }, (_, index) => newestMs - index * paneMs);
    return [name, await store.readPanes(metric, startsMs)] as const;
  };
  const list = async (metric: ListMetric) => {
    const texts = await store.readTexts(metric, LIST_NAME);
    // Of the same time in two partitions, whose order in Redis is by chance, either could come first.
    const inOrder = [...texts].sort(([a], [b]) => (a < b ? -1 : 1));
    return [metric, inOrder.flatMap(([, text]) => JSON.parse(text) as unknown[])] as const;
  };
  const others = [...catalogue.values()].filter(({ name }) => !ownMetrics.some((ownName) => ownName === name));
  const shown = async (metric: MetricDescription) => {
    const panes = await store.readPanes(metric, shownStarts(metric, nowMs));
    return [metric.name, shownMetric(metric, panes, nowMs)] as const;
  };
  const [panes, lists, metrics] = await Promise.all([
    Promise.all(ownMetrics.map(own)),
    Promise.all(listMetrics.map(list)),
    Promise.all(others.map(shown)),
  ]);
  const data = { ...Object.fromEntries([...panes, ...lists]), metrics: Object.fromEntries(metrics) };
  return figuresOf(data as unknown as LiveData, nowMs);
}
