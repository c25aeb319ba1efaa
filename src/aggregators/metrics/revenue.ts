import { defineMetric } from './define.js';
import { tumbling } from './window.js';

/** What purchases brought in, minute by minute, in each currency. */
export const revenue = defineMetric({
  name: 'revenue',
  help: 'Revenue of purchases per minute, by currency.',
  unit: 'money',
  window: tumbling(60_000),
  filter: ({ event }) => event.type === 'purchase',
  key({ event }) {
    const currency = event.data.properties?.['currency'];
    return typeof currency === 'string' ? currency.toUpperCase() : undefined;
  },
  aggregate: 'sum',
  value({ event }) {
    const value = event.data.properties?.['value'];
    return typeof value === 'number' ? value : undefined;
  },
  emit: { windows: 60 },
});
