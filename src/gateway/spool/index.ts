export type { SpoolLane, StoredRecord } from './lane.js';
export type { SpooledState } from './lane-state.js';
export type { SpoolReport } from './lanes.js';
export type { MendedSpool } from './mend.js';
export type { SpoolRecord } from './record-key.js';
export { openSpool, type Spool, type SpoolDeps, type SpoolLimits } from './spool.js';
export { openSpoolStore, type SpoolStore } from './store.js';
