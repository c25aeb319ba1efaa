import { defineMetric } from './define.js';
import { hopping } from './window.js';

/** Page views in overlapping windows: a rate that a single busy minute does not make jump. */
export const views = defineMetric({
  name: 'views',
  help: 'Page views in windows of 5 minutes that begin every minute.',
  unit: 'views',
  window: hopping(5 * 60_000, 60_000),
  filter: ({ event }) => event.type === 'page_view',
  emit: { windows: 30 },
});
