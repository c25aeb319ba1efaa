import type { LatestEvent } from '../../shared/live.js';
import { defineListMetric } from './define.js';
import { shortText, shortTexts } from './inputs.js';

/** The newest events. */
export const events = defineListMetric<LatestEvent>({
  name: 'events',
  size: 100,
  // A repeated event does not get this far.
  uniqueKeys: true,
  keyOf: ({ event }) => shortText(event.id),
  entryOf: ({ id, type, time, source, subject, data }) => ({
    id: shortText(id) ?? '',
    type: shortText(type) ?? '',
    time,
    source: shortText(source) ?? '',
    ...shortTexts({ subject, path: data.page?.path }),
  }),
});
