import { DEFAULT_SIZE_IN_MEGABYTES } from '../topology/entity-limits.js';
import type { IntakeSettings } from '../topology/types.js';
import type { TransferFault } from './forwarding.js';

const MEGABYTE_BYTES = 1024 * 1024;

interface Sized {
  readonly kind: 'queue' | 'topic';
  readonly record: { readonly path: string; readonly definition: IntakeSettings };
  sizeBytes(): number;
}

/**
 * Why a queue or topic takes no more: its messages of every state, of a topic those of all its subscriptions, have its size
 * or more. The one that goes beyond it is still taken, as the service does. The sentence is the service's.
 */
export function overQuota(entity: Sized): TransferFault | undefined {
  const { path, definition } = entity.record;
  const maxBytes = (definition.maxSizeInMegabytes ?? DEFAULT_SIZE_IN_MEGABYTES) * MEGABYTE_BYTES;
  const sizeBytes = entity.sizeBytes();
  if (sizeBytes < maxBytes) return undefined;
  const what = `${entity.kind === 'queue' ? 'Queue' : 'Topic'}: '${path}'`;
  return {
    reason: 'QuotaExceeded',
    description:
      `The maximum entity size has been reached or exceeded for ${what}. ` +
      `Size of entity in bytes:${sizeBytes}, Max entity size in bytes:${maxBytes}.`,
  };
}
