import { definePaneMetric, nameOf } from './define.js';

/** Item views by category: of each item in `items`, or the flat `item_category` when there is no such array. */
export const categories = definePaneMetric({
  name: 'categories',
  observe({ event }, count) {
    if (event.type !== 'view_item') return;
    const properties = event.data.properties;
    const items = properties?.['items'];
    if (Array.isArray(items)) {
      for (const item of items) countCategory((item as { item_category?: unknown } | null)?.item_category, count);
    } else {
      countCategory(properties?.['item_category'], count);
    }
  },
});

function countCategory(category: unknown, count: (name: string) => void): void {
  if (typeof category === 'string' && category !== '') count(nameOf(category));
}
