export { annotationOf, withAnnotation } from './annotate.js';
export { type CapturedEvent, capturedEvent } from './captured-event.js';
export { type CoordinatorRequest, parseCoordinatorRequest } from './coordinator-request.js';
export { identified } from './identify.js';
export { type IncomingMessage, parseIncoming, SYSTEM_TO_PROPERTY } from './incoming.js';
export { withLockToken } from './lock-annotation.js';
export { type BareChanges, rewriteBare } from './rewrite.js';
export { BATCH_FORMAT, splitBatch } from './scan.js';
export { storedSessionId } from './session-id.js';
export {
  eventBytes,
  eventEnqueuedAtMs,
  eventPayload,
  eventPayloadWithMetric,
  writeEvent,
} from './stored-event.js';
export {
  deadLetterFromStored,
  encodeDelivery,
  encodeStored,
  incomingFromStored,
  reread,
  type Storable,
  storedBare,
  storedFields,
  withBare,
} from './stored-message.js';
export { withoutBody } from './without-body.js';
