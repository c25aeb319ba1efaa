import { looksAtTime } from '../../shared/aggregates/index.js';
import type { Hash64 } from '../../shared/siphash.js';
import type { Observation } from '../metrics/define.js';
import type { SessionMetric } from '../metrics/define-session.js';
import { createNetChange } from '../windows/net-change.js';
import { retractableOf } from '../windows/retractable/index.js';
import type { SessionCount } from '../windows/session-folds.js';
import { createSessions, type SavedSessions, type Sessions, type SessionsOptions } from '../windows/sessions.js';
import { type MetricPanes, openPanes, type PanesParts } from './pane-metrics.js';
import { idOf } from './saved.js';

/** The metrics of sessions, each in the pane of its start, and the sessions that they count. */
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
  /** Saved sessions are told to metrics that are new, one by one; that none of them cancels another out need not be looked at. */
  let isRestoring = true;
  const counted = metrics.map((metric) => {
    const { description } = metric;
    const { paneMs } = description;
    const id = idOf(description);
    const panes = openPanes(retractableOf(description.aggregate), description, parts);
    const change = createNetChange(panes);
    const hasTime = looksAtTime(description.aggregate);
    const fold = {
      ...metric,
      id,
      count({ startMs, name, input, by }: SessionCount) {
        const paneStartMs = startMs - (startMs % paneMs);
        if (paneStartMs < horizon.oldestReadableMs) return;
        const timeMs = hasTime ? startMs : 0;
        if (isRestoring) panes.add(paneStartMs, name, input, timeMs);
        else change.count({ startMs: paneStartMs, name, input, timeMs, by });
      },
    };
    const keptFromMs = (): number =>
      Math.max(horizon.oldestReadableMs, Math.min(horizon.keptFromMs(description), sessions.oldestStartMs - paneMs));
    return { id, description, panes, change, fold, keptFromMs };
  });
  const sessions: Sessions<Observation> = createSessions(
    parts.sessions,
    counted.map(({ fold }) => fold),
    saved,
  );
  isRestoring = false;
  return {
    panes: counted,
    observe(visitor, observation) {
      // Nothing is shown of sessions that no metric counts.
      if (counted.length === 0) return 'counted';
      const outcome = sessions.observe(visitor, observation.timeMs, observation);
      for (const { change } of counted) change.apply();
      return outcome;
    },
    evict: sessions.evict,
    save: sessions.save,
  };
}
