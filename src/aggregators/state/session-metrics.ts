import type { Hash64 } from '../../shared/siphash.js';
import type { Observation, SessionMetric } from '../metrics/define.js';
import { createNetChange } from '../windows/net-change.js';
import { createSessions, type SavedSessions, type Sessions, type SessionsOptions } from '../windows/sessions.js';
import { type MetricPanes, openPanes, type PanesParts } from './pane-metrics.js';
import { idOf } from './saved.js';

/** The metrics that count sessions, each in the pane of its start, and the sessions that they count. */
export interface SessionMetrics extends Pick<Sessions<Observation>, 'evict' | 'save'> {
  readonly panes: readonly MetricPanes[];
  observe(visitor: Hash64, observation: Observation): ReturnType<Sessions<Observation>['observe']>;
}

export function createSessionMetrics(
  metrics: readonly SessionMetric[],
  parts: PanesParts & { readonly sessions: SessionsOptions },
  saved?: SavedSessions,
): SessionMetrics {
  const { horizon } = parts;
  const change = createNetChange();
  const counted = metrics.map((metric) => {
    const { description } = metric;
    const { paneMs } = description;
    const id = idOf(description);
    const panes = openPanes(description, parts);
    const fold = {
      ...metric,
      id,
      count(startMs: number, name: string, by: 1 | -1) {
        const paneStartMs = startMs - (startMs % paneMs);
        if (paneStartMs >= horizon.oldestReadableMs) change.count(panes, paneStartMs, name, by);
      },
    };
    const keptFromMs = (): number =>
      Math.max(horizon.oldestReadableMs, Math.min(horizon.keptFromMs(description), sessions.oldestStartMs - paneMs));
    return { id, description, panes, fold, keptFromMs };
  });
  const sessions: Sessions<Observation> = createSessions(
    parts.sessions,
    counted.map(({ fold }) => fold),
    saved,
  );
  // Sessions that were saved are counted for metrics that are new.
  change.apply();
  return {
    panes: counted,
    observe(visitor, observation) {
      // Nothing is shown of sessions that no metric counts.
      if (counted.length === 0) return 'counted';
      const outcome = sessions.observe(visitor, observation.timeMs, observation);
      change.apply();
      return outcome;
    },
    evict: sessions.evict,
    save: sessions.save,
  };
}
