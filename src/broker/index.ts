export { type BrokerReady, createBroker } from './broker.js';
export {
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
