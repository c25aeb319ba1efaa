export { createQueue, type Queue } from './queue.js';
export { EMPTY_QUEUE, type MessageState, type QueueEntry, type QueueState, type Settlement } from './types.js';
