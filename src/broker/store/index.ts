export type { CommitMeter, CommittedBatch } from './group-commit.js';
export { type Damage, type Loss, mendDatabase, verifyDatabase } from './integrity/index.js';
export { ensureSound, ensureUnlocked, openLevelStore } from './level-store.js';
export { sweepValues } from './sweep.js';
export type { Entry, Store, Write } from './types.js';
