import type { Write } from '../store/types.js';

/** A message that is put, and what to call once it is durable. */
export interface Staged {
  readonly write: Write;
  publish(): void;
}
