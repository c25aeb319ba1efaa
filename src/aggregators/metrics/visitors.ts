import { visitorNames } from '../../shared/live-keys.js';
import { definePaneMetric } from './define.js';

/** Distinct visitors and page views by minute, and what distinct visitors over several minutes are computed from. */
export const visitors = definePaneMetric({
  name: 'visitors',
  observe({ event, visit }, count) {
    if (visit !== undefined) {
      if (visit.firstInPane) count(visitorNames.distinct);
      if (visit.newest) {
        count(visitorNames.newest);
        if (visit.previousNewestMs >= 0) count(visitorNames.newest, -1, visit.previousNewestMs);
      }
    }
    if (event.type === 'page_view') count(visitorNames.pageViews);
  },
});
