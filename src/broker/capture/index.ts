export type { BlobWriter } from './blob-writer.js';
export { type CaptureService, createCapture } from './capture.js';
