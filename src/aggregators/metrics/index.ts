import { categories } from './categories.js';
import { countries } from './countries.js';
import type { ListMetricDefinition, PaneMetric, SessionMetric } from './define.js';
import { devices } from './devices.js';
import { events } from './events.js';
import { funnel } from './funnel.js';
import { ingestionDelay } from './ingestion-delay.js';
import { pages } from './pages.js';
import { revenue } from './revenue.js';
import { sessions } from './sessions.js';
import { views } from './views.js';
import { visitors } from './visitors.js';
import { visitorsBeyond } from './visitors-beyond.js';
import { visitorsLatest } from './visitors-latest.js';

/** Every metric that is kept. A new one is a file in this folder and a place in this list. */
const metrics: readonly (PaneMetric | SessionMetric)[] = [
  visitors,
  sessions,
  devices,
  pages,
  categories,
  countries,
  revenue,
  funnel,
  ingestionDelay,
  views,
  visitorsBeyond,
];

const listMetrics: readonly ListMetricDefinition[] = [visitorsLatest, events];

export const allMetrics = { metrics, listMetrics };

/** What is announced to readers. */
export const descriptions = metrics.map(({ description }) => description);
