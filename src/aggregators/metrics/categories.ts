import { defineMetric } from './define.js';
import { rolling } from './window.js';

/** Item views by category: of each item in `items`, or the flat `item_category` when there is no such array. */
export const categories = defineMetric({
  name: 'categories',
  help: 'Views of items by category over the last hour.',
  unit: 'views',
  window: rolling(60 * 60_000, 60_000),
  filter: ({ event }) => event.type === 'view_item',
  key({ event }) {
    const properties = event.data.properties;
    const items = properties?.['items'];
    if (!Array.isArray(items)) return properties?.['item_category'];
    return items.map((item) => (item as { item_category?: unknown } | null)?.item_category);
  },
  emit: { top: 1_000 },
});
