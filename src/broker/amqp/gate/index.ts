export { createGate } from './gate.js';
export { FIELD_COUNTS } from './performatives.js';
export { LIMITS } from './rules.js';
export type { CheckKey } from './sasl.js';
export { checkValues } from './values.js';
export { ProtocolViolation, SessionViolation } from './violation.js';
