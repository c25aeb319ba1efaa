export type { Entry, FormatOptions, OutgoingEvent } from './entry.js';
export { formatNamed, formats } from './formats/registry.js';
export { createPoster, type PosterOptions } from './poster.js';
export { createProgressView } from './progress.js';
export { renderReport } from './report.js';
export { type ImportReport, runImport } from './run.js';
export { createSender } from './sender.js';
export { fileSource, type Source, streamSource } from './source.js';
export { createTally, type Tally } from './tally.js';
