export { type OpenJournal, openJournal } from './journal.js';
export type { RecallOptions } from './memory.js';
export { openRecall, type Recall, type RecallReport } from './recall.js';
export type { Remembered } from './search.js';
export type { Visit } from './visit.js';
