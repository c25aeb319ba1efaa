import type { LatestVisitor } from '../../shared/live.js';
import { defineListMetric } from './define.js';
import { shortText, shortTexts } from './inputs.js';

/** The most recent visitors, each with the newest of their events. */
export const visitorsLatest = defineListMetric<LatestVisitor>({
  name: 'visitorsLatest',
  size: 10,
  uniqueKeys: false,
  keyOf: ({ visitor }) => shortText(visitor),
  entryOf: ({ time, data }) => ({
    time,
    anonymousId: '',
    ...shortTexts({
      anonymousId: data.anonymousId ?? data.userId,
      ip: data.context?.ip,
      country: data.context?.country,
    }),
  }),
});
