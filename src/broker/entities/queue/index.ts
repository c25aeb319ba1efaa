export { EXPIRY_BLOCK } from './expiry.js';
export { createQueue, type Queue } from './queue.js';
export {
  EMPTY_QUEUE,
  type Load,
  type QueueEntry,
  type QueueState,
  type Settlement,
  type Unfit,
  type WindowBounds,
} from './types.js';
