export type { MendedSpool } from './mend.js';
export type { SpoolRecord } from './record-key.js';
export {
  openSpool,
  type Spool,
  type SpoolDeps,
  type SpooledState,
  type SpoolLane,
  type SpoolLimits,
  type SpoolReport,
  type StoredRecord,
} from './spool.js';
export { openSpoolStore, type SpoolStore } from './store.js';
