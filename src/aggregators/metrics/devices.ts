import { definePaneMetric, nameOf } from './define.js';

/** Distinct visitors by type of device: each visitor is counted in the newest pane they used that type in, and no other. */
export const devices = definePaneMetric({
  name: 'devices',
  observe({ event, visit }, count) {
    if (visit === undefined || !visit.newestOfDevice) return;
    const device: unknown = event.data.context?.device;
    // Another producer may send anything there.
    const type = typeof device === 'string' ? nameOf(device) : 'other';
    count(type);
    if (visit.previousNewestOfDeviceMs >= 0) count(type, -1, visit.previousNewestOfDeviceMs);
  },
});
