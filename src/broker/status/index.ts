export { createStatusHandler } from './handler.js';
export { type BrokerMetrics, createMetrics } from './metrics.js';
export { type BrokerStatus, type QueueStatus, type Reader, takeSnapshot } from './snapshot.js';
