import { SECTION, scanSections } from './scan.js';

/** The message as it is told of without what it carries: a footer, which is computed from the body, goes with that. */
export function withoutBody(payload: Buffer): Buffer {
  const body = scanSections(payload).find(({ code }) => code >= SECTION.data);
  return body === undefined ? payload : payload.subarray(0, body.start);
}
