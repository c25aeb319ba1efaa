import type { PaneMetric } from '../metrics/define.js';
import type { SessionMetric } from '../metrics/define-session.js';

/**
 * The metric, of which no code throws: what one cannot look at is left out of it, and costs neither the other metrics nor
 * the partition anything. Whether it throws depends on the event alone, so a replay leaves out the same.
 */
export function guarded(
  metric: PaneMetric | SessionMetric,
  onFailure: (name: string, error: unknown) => void,
): PaneMetric | SessionMetric {
  const attempt = <T>(otherwise: T, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      onFailure(metric.description.name, error);
      return otherwise;
    }
  };
  if (metric.kind === 'panes') {
    const { observe } = metric;
    return {
      ...metric,
      observe(observation, count) {
        try {
          observe(observation, count);
        } catch (error) {
          onFailure(metric.description.name, error);
        }
      },
    };
  }
  const { filter, aggregate, emit } = metric;
  return {
    ...metric,
    ...(filter && { filter: (observation) => attempt(false, () => filter(observation)) }),
    ...(aggregate && {
      aggregate: {
        ...aggregate,
        add: (state, observation) => attempt(state, () => aggregate.add(state, observation)),
      },
    }),
    emit: (session, count) => attempt(undefined, () => emit(session, count)),
  };
}
