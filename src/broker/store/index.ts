export type { CommitMeter, CommittedBatch } from './group-commit.js';
export { openLevelStore } from './level-store.js';
export { lossesAtOpening } from './losses.js';
export type { Entry, Store, Write } from './types.js';
