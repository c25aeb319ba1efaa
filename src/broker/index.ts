export { type BrokerReady, createBroker } from './broker.js';
export type { BlobWriter } from './capture/index.js';
export { findBrokerDamage, repairBroker } from './repair.js';
export type { BrokerStatus } from './status/index.js';
export {
  type CaptureDefinition,
  describeDuration,
  type EntityFlags,
  type HubDefinition,
  loadParameters,
  loadTopology,
  namesEntities,
  type RuleDefinition,
  type SubscriptionDefinition,
  shippedTemplate,
  type TopicDefinition,
  type Topology,
  TopologyError,
  withEntityFlags,
} from './topology/index.js';
