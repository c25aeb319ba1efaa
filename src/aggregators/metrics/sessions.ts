import { SESSIONS_NAME } from '../../shared/live-keys.js';
import { defineSessionMetric } from './define-session.js';
import { session } from './window.js';

/** Sessions by the half hour in which they began. */
export const sessions = defineSessionMetric({
  name: 'sessions',
  help: 'Sessions that began in the last 8 hours.',
  unit: 'sessions',
  window: session(8 * 60 * 60_000, 30 * 60_000),
  key: () => SESSIONS_NAME,
  emit: { windows: 16 },
});
