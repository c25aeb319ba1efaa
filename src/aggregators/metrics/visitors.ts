import { visitorNames } from '../../shared/live-keys.js';
import { definePaneMetric } from './define.js';
import { rolling } from './window.js';

/** Distinct visitors and page views by minute, and what distinct visitors over several minutes are computed from. */
export const visitors = definePaneMetric(
  {
    name: 'visitors',
    help: 'Distinct visitors and page views over the last 15 minutes.',
    unit: 'visitors',
    window: rolling(15 * 60_000, 60_000),
    emit: { windows: 15 },
  },
  ({ event, visit }, count) => {
    if (visit !== undefined) {
      if (visit.firstInPane) count(visitorNames.distinct);
      if (visit.newest) {
        count(visitorNames.newest);
        if (visit.previousNewestMs >= 0) count(visitorNames.newest, -1, visit.previousNewestMs);
      }
    }
    if (event.type === 'page_view') count(visitorNames.pageViews);
  },
);
