import type { Cluster, Redis } from 'ioredis';
import {
  HEALTH,
  LATE,
  lateStreamKey,
  listMetrics,
  ownersKey,
  paneIndexKey,
  paneKey,
  shownPartitions,
  singleKey,
  TOTALS,
} from '../../shared/live-keys.js';
import { AggregatorError } from '../errors.js';
import { descriptions } from '../metrics/index.js';
import { all } from './all.js';
import { epochsOf, type Owner, refuseFormer } from './owner.js';
import type { DefineScript } from './script.js';
import { MAX_WINDOWS_PER_CALL } from './windows.js';

/** Metrics without panes. The totals tell which partitions there are, so they are forgotten last. */
const singleNames = [...listMetrics, HEALTH, TOTALS];

/** Everything that has an owner for each partition. */
export const ownedMetrics = [...descriptions.map(({ name }) => name), LATE, ...singleNames];

/** Whose the figures of a partition are. Those of a hub that was made anew are removed, and the new one's take their place. */
export function createOwnership(redis: Redis | Cluster, script: DefineScript, explain: (error: unknown) => never) {
  type Adopted = readonly [epoch: number, isSame: number];
  const adoptPartition = script<Adopted>('adoptPartition', 'adopt-partition.lua');
  const forgetPartition = script('forgetPartition', 'forget-partition.lua');
  const forgetLate = script('forgetLate', 'forget-late.lua');

  const adoptAll = ({ partition, epoch, hubCreatedAtMs }: Owner, lastSequenceNumber?: number) => {
    const calls = ownedMetrics.map((metric) =>
      adoptPartition(1, ownersKey(metric), partition, epoch, hubCreatedAtMs ?? '', lastSequenceNumber ?? ''),
    );
    return all(calls).catch(explain);
  };
  const claim = async ({ partition, epoch }: Owner): Promise<number> =>
    Math.max(...epochsOf(await adoptAll({ partition, epoch })));
  const forget = async (owner: Owner): Promise<void> => {
    const { partition, epoch } = owner;
    for (const metric of descriptions) {
      const keys = (await redis.zrange(paneIndexKey(metric), '0', '-1')).map((start) => paneKey(metric, Number(start)));
      // Once at the least: without panes it may have a note of its hub.
      for (let at = 0; at === 0 || at < keys.length; at += MAX_WINDOWS_PER_CALL) {
        const chunk = [ownersKey(metric.name), ...keys.slice(at, at + MAX_WINDOWS_PER_CALL)];
        refuseFormer(owner, [await forgetPartition(chunk.length, ...chunk, partition, epoch)]);
      }
    }
    refuseFormer(owner, [await forgetLate(2, ownersKey(LATE), lateStreamKey(partition), partition, epoch)]);
    for (const metric of singleNames)
      refuseFormer(owner, [await forgetPartition(2, ownersKey(metric), singleKey(metric), partition, epoch)]);
  };
  /** Nobody reads it any more, so it has no owner in Blob; who had it last is refused. */
  const forgetUnowned = async (partition: string): Promise<void> => {
    const epoch = (await claim({ partition, epoch: 0 })) + 1;
    await claim({ partition, epoch });
    await forget({ partition, epoch }).catch((error: unknown) => {
      // Another process does the same.
      if (!(error instanceof AggregatorError) || error.code !== 'PS_PARTITION_FENCED') throw error;
    });
  };
  return {
    claim,
    forget,
    async adopt(owner: Owner, lastSequenceNumber?: number) {
      const answers = await adoptAll(owner, lastSequenceNumber);
      refuseFormer(owner, epochsOf(answers));
      return answers.every(([, isSame]) => isSame === 1);
    },
    async forgetOthers(partitions: readonly string[]) {
      for (const partition of shownPartitions(await redis.hkeys(ownersKey(TOTALS))))
        if (!partitions.includes(partition)) await forgetUnowned(partition);
    },
  };
}
