import { LIVE_CHANNEL, ownersKey } from '../../shared/live-keys.js';
import type { Position } from '../state/saved.js';
import type { LastWrites } from './last-writes.js';
import type { Owner } from './owner.js';
import type { DefineScript } from './script.js';
import type { MetricWindows } from './windows.js';

/** The highest owner epoch, the sequence number of the furthest window that was left as it is, or -1, and 1 for a loss. */
export type Written = readonly [epoch: number, aheadAt: number, lost: number];

export const isLost = ([, , lost]: Written): boolean => lost === 1;

type Version = Pick<Position, 'sequenceNumber' | 'enqueuedAtMs'>;

/** Writes windows of one metric, at this position of the partition. */
export type WriteMetric = (owner: Owner, version: Version, metric: MetricWindows) => Promise<Written>;

export function createMetricWrites(script: DefineScript, lastWrites: LastWrites): WriteMetric {
  const writePanes = script<Written>('writePanes', 'write-panes.lua');
  return async (owner, { sequenceNumber, enqueuedAtMs }, { name, indexKey, expiriesKey, quiet, windows }) => {
    const { partition, epoch, hubCreatedAtMs } = owner;
    const starts = windows.map(({ start }) => start);
    const written = await writePanes(
      windows.length + 3,
      ownersKey(name),
      indexKey,
      expiriesKey,
      ...windows.map(({ key }) => key),
      partition,
      epoch,
      sequenceNumber,
      quiet ? '' : LIVE_CHANNEL,
      JSON.stringify({ metric: name, partition, version: sequenceNumber, windows: starts }),
      enqueuedAtMs,
      lastWrites.of(owner, name) ?? '',
      hubCreatedAtMs ?? '',
      ...windows.flatMap(({ start, expiryMs, revision, partial, pairs }) => [
        ...[start, expiryMs, revision, partial, pairs.length / 2],
        ...pairs,
      ]),
    );
    if (written[0] === epoch) lastWrites.answered(owner, name, sequenceNumber);
    return written;
  };
}
