import { defineMetric } from './define.js';
import { rolling } from './window.js';

/** Distinct visitors beyond those that a partition keeps apart: they are added to the figures of `visitors`. */
export const visitorsBeyond = defineMetric({
  name: 'visitorsBeyond',
  help: 'Visitors of the last 30 minutes beyond those that are kept apart, to 1.6 %.',
  unit: 'visitors',
  window: rolling(30 * 60_000, 60_000),
  filter: ({ visitor, visit }) => visitor !== undefined && visit === undefined,
  aggregate: 'distinct',
  value: ({ visitor }) => visitor,
});
