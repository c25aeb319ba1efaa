export { ArchiveError } from './errors.js';
export { createCaptureHistory } from './history.js';
export type { Gap } from './sequence.js';
