export { type BrokerReady, createBroker } from './broker.js';
export type { BlobWriter } from './capture/index.js';
export type { BrokerStatus } from './status/index.js';
export {
  type CaptureDefinition,
  describeDuration,
  type HubDefinition,
  loadParameters,
  loadTopology,
  type RuleDefinition,
  type SubscriptionDefinition,
  shippedTemplate,
  type TopicDefinition,
  type Topology,
  TopologyError,
} from './topology/index.js';
