export { createDuplicateHistory, type DuplicateHistory } from './dedup.js';
export {
  createPartitionLog,
  EMPTY_LOG,
  type LogState,
  offsetOf,
  type PartitionLog,
  type Position,
} from './partition-log.js';
export { type AttachedProducer, createProducers, type ProducerClaim } from './producers.js';
export {
  createQueue,
  EMPTY_QUEUE,
  EXPIRY_BLOCK,
  type Load,
  type Queue,
  type QueueEntry,
  type QueueState,
  type Settlement,
  type Unfit,
  type WindowBounds,
} from './queue/index.js';
export { createSchedule, EMPTY_SCHEDULE, type Scheduled, type ScheduleState } from './schedule.js';
export {
  createSessions,
  type SessionHold,
  type SessionSearch,
  type Sessions,
} from './sessions/index.js';
export { compileRouter, type Router } from './topic.js';
