export type { BehaviourDefinition, Condition } from './behaviours.js';
export { makeDataDir } from './data-dir.js';
export { describeConfig } from './document.js';
export { environmentVariables } from './environment.js';
export { ConfigError } from './errors.js';
export { loadConfig } from './load.js';
export { type Config, configSchema } from './schema.js';
export { strongestKeyOf } from './sources.js';
