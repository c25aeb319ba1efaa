import { join } from 'node:path';
import { BrokerError } from '../errors.js';
import { type Extent, readChunk } from './chunk.js';
import type { LogDisk } from './disk.js';
import { wasDurable } from './frame.js';
import { emptyIndex, type SegmentIndex } from './segment-index.js';

const SCAN_BYTES = 1024 * 1024;

/** What is after damage to what was acknowledged. */
const WAY_ON = 'bring it back from a copy, or run `penstock broker repair` to go on without what is lost';

export const corrupt = (folder: string, name: string, what: string): BrokerError =>
  new BrokerError('PS_BROKER_STORE_CORRUPT', `the event log ${join(folder, name)} ${what}: ${WAY_ON}`, {
    facts: { file: join(folder, name) },
  });

/** The files stay: only a deletion that is on disk removes any. */
export const unknown = (folder: string): BrokerError =>
  new BrokerError(
    'PS_BROKER_STORE_CORRUPT',
    `the event log ${folder} is of a hub that the database does not know: the database has lost something; ` +
      'bring the data folder back from a copy, or run `penstock broker repair`, which puts the events aside',
    { facts: { file: folder } },
  );

export const damagedAt = ({ folder, name }: Extent, position: number): BrokerError =>
  corrupt(folder, name, `is damaged at byte ${position}`);

/**
 * Reads on from where an index ends, and completes it.
 * @returns the position behind the last whole frame: what is there, if anything, was never acknowledged.
 * @throws BrokerError PS_BROKER_STORE_CORRUPT when something is damaged that was on disk before.
 */
export async function scanOn(disk: LogDisk, extent: Extent, index: SegmentIndex): Promise<number> {
  while (index.bytes() < extent.end) {
    const position = index.bytes();
    const { frames } = await readChunk(disk, extent, position, SCAN_BYTES);
    for (const frame of frames) {
      if (frame.sequence !== index.nextSequence()) throw damagedAt(extent, index.bytes());
      // A copy: the note must not keep the whole chunk.
      index.add(frame.note === undefined ? frame : { ...frame, note: Buffer.from(frame.note) });
    }
    if (frames.length > 0) continue;
    const rest = await disk.read(extent.folder, extent.name, position, extent.end - position);
    if (wasDurable(rest, index.nextSequence())) throw damagedAt(extent, position);
    break;
  }
  return index.bytes();
}

/** The index of a segment that is complete, made from the segment itself. */
export async function rebuildIndex(disk: LogDisk, extent: Extent, base: number): Promise<SegmentIndex> {
  const index = emptyIndex(base);
  const end = await scanOn(disk, extent, index);
  if (end < extent.end) throw damagedAt(extent, end);
  return index;
}
