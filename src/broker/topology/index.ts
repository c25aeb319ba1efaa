export { describeDuration, parseDuration } from './duration.js';
export { isRuleName } from './entity-limits.js';
export { TopologyError } from './errors.js';
export { type EntityFlags, namesEntities, withEntityFlags } from './flags.js';
export { loadParameters, loadTopology, shippedTemplate } from './load.js';
export type {
  CaptureDefinition,
  CaptureEncoding,
  CorrelationFilter,
  FilterValue,
  HubDefinition,
  QueueDefinition,
  QueueSettings,
  RuleDefinition,
  RuleFilter,
  SubscriptionDefinition,
  TopicDefinition,
  Topology,
} from './types.js';
