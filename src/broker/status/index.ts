export { createStatusHandler } from './handler.js';
export { createMetrics } from './metrics.js';
export { type BrokerStatus, type QueueStatus, type Reader, takeSnapshot } from './snapshot.js';
