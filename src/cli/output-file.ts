import { openSync } from 'node:fs';
import { messageOf, PenstockError } from '../shared/errors.js';

/**
 * Opens a file that a command is to write, for its owner only: before the work, not after it.
 * @throws PenstockError PS_OUTPUT_UNWRITABLE
 */
export function openOutput(path: string): number {
  try {
    return openSync(path, 'w', 0o600);
  } catch (cause) {
    throw new PenstockError('PS_OUTPUT_UNWRITABLE', `${path} cannot be written: ${messageOf(cause)}`, { cause });
  }
}
