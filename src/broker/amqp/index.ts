export type { ConnectionTimes } from './context.js';
export { type AmqpServer, createAmqpServer } from './server.js';
