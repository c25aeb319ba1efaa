export type { Aggregate } from './aggregate.js';
