export type { EventLog } from './event-log.js';
export { createEventLogs, defaultEventLogsOptions, type EventLogs } from './event-logs.js';
export type { LogEvent } from './frame.js';
export { findLogDamage, findUnknown, mendLogs, putAwayUnknown } from './mend.js';
export { createMendDisk } from './mend-disk.js';
export type { KnownLog } from './mend-plan.js';
export { createNodeDisk } from './node-disk.js';
