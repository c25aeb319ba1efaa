import { defineMetric } from './define.js';
import { rolling } from './window.js';

/** Events by the country that their sender gave. */
export const countries = defineMetric({
  name: 'countries',
  help: 'Events of the last hour by country.',
  unit: 'events',
  window: rolling(60 * 60_000, 60_000),
  key: ({ event }) => event.data.context?.country,
  emit: { top: 20 },
});
