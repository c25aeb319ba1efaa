export { AdminError } from './errors.js';
export { createAdminHandler } from './handler.js';
export type {
  ConsumerGroupInfo,
  ConsumerGroupSettings,
  HubInfo,
  HubSettings,
  HubsPort,
  NewHub,
} from './hubs-port.js';
export type {
  CreateOutcome,
  DeleteOutcome,
  NamespacePort,
  NewTopic,
  QueueInfo,
  RuleInfo,
  RuntimeFacts,
  SubscriptionInfo,
  SubscriptionSettings,
  TopicInfo,
  UpdateOutcome,
} from './namespace-port.js';
export { field, tag, type Xml } from './xml.js';
