export { type AmqpServer, createAmqpServer } from './server.js';
