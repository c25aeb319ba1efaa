export { createGatewayMetrics, type GatewayMetrics } from './metrics.js';
export type { Tally } from './tally.js';
