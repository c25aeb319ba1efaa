export type { ConnectionTimes } from './context.js';
export type { MemoryBounds } from './pressure.js';
export { type AmqpServer, createAmqpServer } from './server.js';
