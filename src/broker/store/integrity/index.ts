export { type Loss, mendDatabase } from './mend.js';
export { type Damage, findDamagedTables, verifyDatabase } from './verify.js';
