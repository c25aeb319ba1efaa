import type { Protocol } from './protocol.js';

/** The foreign protocols that the gateway speaks. */
export const protocols: readonly Protocol[] = [];
