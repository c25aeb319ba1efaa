import { PenstockError } from '../shared/errors.js';

/**
 * - `PS_BROKER_STORE_LOCKED`: another process has the data folder open.
 * - `PS_BROKER_STORE_CORRUPT`: something that was durable is damaged or missing; nothing was changed in the data folder.
 * - `PS_BROKER_STORE_FORMAT`: the data folder is of another version of Penstock; nothing was changed in it.
 * - `PS_BROKER_STORE_CLOSED`: the broker is stopping and takes no more writes.
 * - `PS_BROKER_STORE_FAILED`: a write or read failed (disk full, input/output error).
 * - `PS_BROKER_DATA_DIR`: the data folder cannot be made or written to, or went away while the broker ran.
 * - `PS_BROKER_DISK_FULL`: there is no room on the disk; what was sent is refused and nothing else is touched.
 * - `PS_BROKER_MESSAGE_MALFORMED`: bytes that are not an AMQP message.
 * - `PS_BROKER_TOPOLOGY`: the entities contradict each other, or what is stored.
 */
export type BrokerErrorCode =
  | 'PS_BROKER_STORE_LOCKED'
  | 'PS_BROKER_STORE_CORRUPT'
  | 'PS_BROKER_STORE_FORMAT'
  | 'PS_BROKER_STORE_CLOSED'
  | 'PS_BROKER_STORE_FAILED'
  | 'PS_BROKER_DATA_DIR'
  | 'PS_BROKER_DISK_FULL'
  | 'PS_BROKER_MESSAGE_MALFORMED'
  | 'PS_BROKER_TOPOLOGY';

/** What keeps the broker from starting or from serving. */
export class BrokerError extends PenstockError<BrokerErrorCode> {
  override readonly name = 'BrokerError';
}

const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

/** What the operating system refused, by its code. */
export const isDiskFull = (error: unknown): boolean => FULL.has((error as NodeJS.ErrnoException).code);

/** The operating system's refusals say path and reason in one line: no stack is needed with them. */
export function asBrokerError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof PenstockError || !('syscall' in error)) return error;
  const code = isDiskFull(error) ? 'PS_BROKER_DISK_FULL' : 'PS_BROKER_STORE_FAILED';
  return new BrokerError(code, error.message, { cause: error });
}
