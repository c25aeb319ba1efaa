import type { LatestEvent } from '../../shared/live.js';
import { defineListMetric } from './define.js';

/** The newest events. */
export const events = defineListMetric<LatestEvent>({
  name: 'events',
  size: 100,
  // A repeated event does not get this far.
  uniqueKeys: true,
  keyOf: ({ event }) => event.id,
  entryOf: ({ id, type, time, source, subject, data }) => ({
    id,
    type,
    time,
    source,
    ...(subject === undefined ? {} : { subject }),
    ...(data.page?.path === undefined ? {} : { path: data.page.path }),
  }),
});
