import { parseIsoTime } from '../iso-time.js';
import { defineMetric } from './define.js';
import { rolling } from './window.js';

/** How long events took from the gateway, which received them, into the hub: spooled ones are those that took long. */
export const ingestionDelay = defineMetric({
  name: 'ingestionDelay',
  help: 'Time from the gateway to the hub over the last 15 minutes, to 1 %.',
  unit: 'ms',
  window: rolling(15 * 60_000, 60_000),
  aggregate: 'quantiles',
  value({ event, enqueuedAtMs, enqueuedToMs }) {
    const { receivedAt } = event.data;
    return typeof receivedAt === 'string' && enqueuedToMs
      ? Math.max(0, enqueuedAtMs - parseIsoTime(receivedAt))
      : undefined;
  },
  emit: { windows: 15 },
});
