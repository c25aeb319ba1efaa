import { SESSIONS_NAME } from '../../shared/live-keys.js';
import { defineSessionMetric } from './define.js';

/** Sessions by the half hour in which they began. */
export const sessions = defineSessionMetric({
  name: 'sessions',
  emit: (_state, count) => count(SESSIONS_NAME),
});
