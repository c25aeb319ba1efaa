export { type Damage, type Loss, verifyDatabase } from '../../shared/leveldb/index.js';
export type { CommitMeter, CommittedBatch } from './group-commit.js';
export { ensureSound, ensureUnlocked, openLevelStore } from './level-store.js';
export { mendStore } from './mend-store.js';
export { sweepValues } from './sweep.js';
export type { Entry, Store, Write } from './types.js';
