export { createGatewayMetrics, type GatewayMetrics, type MetricsText, mergeMetrics } from './metrics.js';
export type { Tally } from './tally.js';
