export type { EventLog } from './event-log.js';
export { createEventLogs, defaultEventLogsOptions, type EventLogs } from './event-logs.js';
export type { LogEvent } from './frame.js';
export { createNodeDisk } from './node-disk.js';
