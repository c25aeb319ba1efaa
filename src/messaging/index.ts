export type { ServiceAccess } from './azure/access.js';
export { createBlobStore, openContainer, type StorageAccess } from './azure/blob-container.js';
export { createBlobReader } from './azure/blob-reader.js';
export { createBlobWriter } from './azure/blob-writer.js';
export { createDeadLetterTaker } from './azure/dead-letter-taker.js';
export { createEntityDirectory } from './azure/entity-directory.js';
export { createEventBrowser } from './azure/event-browser.js';
export { createHubPublisher } from './azure/hub-publisher.js';
export { createHubReader } from './azure/hub-reader.js';
export { createMessageBrowser } from './azure/message-browser.js';
export {
  cloudBalancing,
  createPartitionProcessor,
  oneMachineBalancing,
} from './azure/partition-processor.js';
export { createPurger } from './azure/purger.js';
export { createSubscriptionReceiver } from './azure/subscription-receiver.js';
export { createTopicPublisher } from './azure/topic-publisher.js';
export { PublishError, type PublishErrorCode } from './errors.js';
export type { BlobReader } from './ports/blobs.js';
export type {
  BlobStore,
  HubReader,
  MessageHandler,
  MessageVerdict,
  PartitionEvent,
  PartitionFacts,
  PartitionHandler,
  PartitionOfHub,
  PartitionPosition,
  PartitionProcessor,
  ReceivedMessage,
  SubscriptionReceiver,
  WriteResult,
} from './ports/consume.js';
export type {
  DeadLetter,
  DeadLetterTaker,
  EntityDirectory,
  MessageSource,
  SeenMessage,
  SubQueue,
} from './ports/inspect.js';
export type { HubPublisher, TopicPublisher } from './ports/publish.js';
