export type { LogEvent, Position } from '../entities/index.js';
export { createNamespacePort } from './admin-port.js';
export type { Namespace } from './contract.js';
export type { Deletion } from './deletion.js';
export type { QueueConsumer, QueueDelivery } from './dispatcher.js';
export type { HubEntity, QueueEntity, SubscriptionEntity, TopicEntity } from './entities.js';
export type { PartitionRuntime } from './hub-runtime.js';
export { openNamespace } from './namespace.js';
export type { QueueRuntime, SettleOutcome } from './queue-runtime.js';
