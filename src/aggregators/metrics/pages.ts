import { defineMetric } from './define.js';
import { rolling } from './window.js';

/** Page views by path. */
export const pages = defineMetric({
  name: 'pages',
  help: 'The most viewed pages of the last hour.',
  unit: 'views',
  window: rolling(60 * 60_000, 60_000),
  filter: ({ event }) => event.type === 'page_view',
  key: ({ event }) => event.data.page?.path,
});
