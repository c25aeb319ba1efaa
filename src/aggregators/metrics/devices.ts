import { definePaneMetric } from './define.js';
import { rolling } from './window.js';

const types = ['desktop', 'mobile', 'tablet'];

/** Distinct visitors by type of device: each visitor is counted in the newest pane they used that type in, and no other. */
export const devices = definePaneMetric(
  {
    name: 'devices',
    help: 'Distinct visitors of the last 10 minutes by type of device.',
    unit: 'visitors',
    window: rolling(10 * 60_000, 60_000),
  },
  ({ event, visit }, count) => {
    if (visit === undefined || !visit.newestOfDevice) return;
    const device: unknown = event.data.context?.device;
    // Another producer may send anything there.
    const type = typeof device === 'string' && types.includes(device) ? device : 'other';
    count(type);
    if (visit.previousNewestOfDeviceMs >= 0) count(type, -1, visit.previousNewestOfDeviceMs);
  },
);
