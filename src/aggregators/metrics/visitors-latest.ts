import type { LatestVisitor } from '../../shared/live.js';
import { defineListMetric } from './define.js';

/** The most recent visitors, each with the newest of their events. */
export const visitorsLatest = defineListMetric<LatestVisitor>({
  name: 'visitorsLatest',
  size: 10,
  uniqueKeys: false,
  keyOf: ({ visitor }) => visitor,
  entryOf: ({ time, data }) => ({
    time,
    anonymousId: data.anonymousId ?? data.userId ?? '',
    ...(data.context?.ip === undefined ? {} : { ip: data.context.ip }),
    ...(data.context?.country === undefined ? {} : { country: data.context.country }),
  }),
});
