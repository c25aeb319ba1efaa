export { findLock, saysLocked } from './lock.js';
export { cutTornManifest, type Loss, mendDatabase, UnmendableError } from './mend.js';
export { createSyncedNote } from './synced.js';
export { type Damage, findDamagedTables, verifyDatabase } from './verify.js';
