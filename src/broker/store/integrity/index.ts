export { type Loss, mendDatabase } from './mend.js';
export { type Damage, verifyDatabase } from './verify.js';
