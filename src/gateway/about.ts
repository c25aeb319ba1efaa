import { type GatewayMetrics, type MetricsText, mergeMetrics } from './metrics/index.js';
import type { Peers } from './peers.js';
import type { Sink } from './publish/sink.js';
import { mergeReadiness, type Readiness, readinessOf } from './readiness.js';
import { mergeWhereabouts, type Whereabouts } from './where.js';

export interface AboutDeps {
  readonly sinks: readonly Sink[];
  readonly metrics: Pick<GatewayMetrics, 'text' | 'forOthers'>;
  readonly whereIs: (id: string) => Whereabouts;
  /** The other processes of this gateway, where it has several. */
  readonly peers: Peers | undefined;
}

/** What is told of the gateway as a whole: by its one process, or by any of several for all. */
export interface About {
  readiness(): Promise<Readiness>;
  metricsText(): Promise<MetricsText>;
  whereIs(id: string): Promise<Whereabouts>;
}

export function createAbout({ sinks, metrics, whereIs, peers }: AboutDeps): About {
  if (peers === undefined) {
    return {
      readiness: async () => readinessOf(sinks),
      metricsText: () => metrics.text(),
      whereIs: async (id) => whereIs(id),
    };
  }
  peers.answerWith({ metrics: () => metrics.forOthers(), ready: () => readinessOf(sinks), where: whereIs });
  return {
    readiness: async () => mergeReadiness(await peers.ask('ready')),
    metricsText: async () => mergeMetrics(await peers.ask('metrics')),
    whereIs: async (id) => mergeWhereabouts(id, await peers.ask('where', id)),
  };
}
