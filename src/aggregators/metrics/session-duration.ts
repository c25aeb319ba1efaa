import { defineSessionMetric } from './define-session.js';
import { session } from './window.js';

/** The time from the first to the last event of a session; of a single event it is 0. */
export const sessionDuration = defineSessionMetric({
  name: 'sessionDuration',
  help: 'How long sessions lasted that began in the last 8 hours.',
  unit: 's',
  window: session(8 * 60 * 60_000, 30 * 60_000),
  each: 'durationMs',
  value: (durationMs) => durationMs / 1_000,
  aggregate: 'quantiles',
  emit: { windows: 16 },
});
