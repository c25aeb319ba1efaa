import { captureKey } from '../store/keys.js';
import type { Store, Write } from '../store/types.js';
import type { CaptureEncoding } from '../topology/index.js';
import type { BlobAddress } from './blob-writer.js';
import type { CapturePosition } from './window.js';

/**
 * A file that is about to be written. It is durable before the first byte leaves, so that a broker that is killed writes
 * the same events under the same name again, whatever its settings say by then.
 */
export interface PlannedFile extends BlobAddress {
  readonly encoding: CaptureEncoding;
  readonly firstSequence: number;
  readonly endSequence: number;
}

/** What is kept of the Capture of a partition. */
export interface CaptureProgress {
  /** Behind the planned file, where there is one. */
  readonly position: CapturePosition;
  readonly plan?: PlannedFile | undefined;
  /** Written, and still to be looked for: a storage may forget for a while what it has acknowledged. */
  readonly settling?: readonly PlannedFile[];
}

export const progressWrite = (logId: number, progress: CaptureProgress): Write => ({
  key: captureKey(logId),
  value: Buffer.from(JSON.stringify(progress), 'utf8'),
});

export const forgetProgress = (logId: number): Write => ({ key: captureKey(logId) });

export async function readProgress(store: Store, logId: number): Promise<CaptureProgress | undefined> {
  const row = await store.get(captureKey(logId));
  return row === undefined ? undefined : (JSON.parse(row.toString('utf8')) as CaptureProgress);
}
