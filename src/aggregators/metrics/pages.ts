import { definePaneMetric, nameOf } from './define.js';

/** Page views by path. */
export const pages = definePaneMetric({
  name: 'pages',
  observe({ event }, count) {
    if (event.type !== 'page_view') return;
    const path = event.data.page?.path;
    if (typeof path === 'string') count(nameOf(path));
  },
});
