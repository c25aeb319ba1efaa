export { createAggregator } from './aggregator.js';
export { defaultAggregatorOptions } from './options.js';
export { recompute } from './recompute.js';
export { defaultSessionOptions } from './session/partition-session.js';
export { createRedisSink, type LiveSink } from './sink/redis-sink.js';
export { snapshotCodec } from './state/snapshot.js';
export { createStateStore } from './state/store.js';
