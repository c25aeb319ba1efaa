export { createQueue, type Queue } from './queue.js';
export { EMPTY_QUEUE, type Load, type QueueEntry, type QueueState, type Settlement } from './types.js';
