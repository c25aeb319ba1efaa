import type { Logger } from '../../shared/logger.js';
import type { PartitionHealth } from '../../shared/partition-health.js';
import type { StateChanges } from '../state/changes.js';
import { all } from './all.js';
import { createCatalogue } from './catalogue.js';
import { connectSinkRedis, onReconnected, untilReady } from './connection.js';
import { createLastWrites } from './last-writes.js';
import { createLateWrites } from './late-writes.js';
import { createMetricWrites, isLost } from './metric-writes.js';
import { epochsOf, type Owner, refuseFormer } from './owner.js';
import { createOwnership, ownedMetrics } from './ownership.js';
import { scriptsFor } from './script.js';
import { tellTrouble } from './trouble.js';
import { windowOfHealth, windowsOf } from './windows.js';

/** Where the figures of the partitions are shown. `write`, `forget` and `adopt` throw PS_PARTITION_FENCED for a former owner. */
export interface LiveSink {
  /** From now on nobody with a lower epoch can write. Returns the highest epoch, which may be that of a later owner. */
  claim(owner: Owner): Promise<number>;
  /**
   * Writes absolute values; those of a reader that was further on are left as they are. Resolves with the sequence number
   * that the furthest of these is at, or -1: what is there may be only a part, so the writer has to write everything once
   * more when it has come as far.
   */
  write(owner: Owner, changes: StateChanges): Promise<number>;
  /** Says how far the reader of a partition is. Never rejects: nothing depends on it. */
  report(owner: Owner, health: PartitionHealth): Promise<void>;
  /** Looks whether what was written is still there, as each write does. Never rejects: a store that is away comes back. */
  look(owner: Owner): Promise<void>;
  /** Removes what a partition wrote, because its sequence numbers begin anew. */
  forget(owner: Owner): Promise<void>;
  /**
   * Whether what is there of the partition was read from the owner's hub, and not from one that was made at another time or
   * had more events: the newest of this one has `lastSequenceNumber`, -1 for none; left out to go by the time alone. Where it
   * was, the hub is noted. Claims the partition as `claim` does.
   */
  adopt(owner: Owner, lastSequenceNumber?: number): Promise<boolean>;
  /** Removes what partitions wrote that are none of these: a hub that was made anew may have fewer. */
  forgetOthers(partitions: readonly string[]): Promise<void>;
  /**
   * Calls back when the store may have lost what it had, so that everything has to be written again: after each reconnect,
   * and when a write, or a look, finds that the write before it is gone.
   */
  onRecovered(callback: () => void): () => void;
  /** Resolves when the sink can be written to; rejects after `limitMs`. */
  ready(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

export function createRedisSink(url: string, logger: Logger): LiveSink {
  const redis = connectSinkRedis(url);
  const explain = tellTrouble(redis, logger);
  const script = scriptsFor(redis);
  const catalogue = createCatalogue(redis, logger, explain);
  const lastWrites = createLastWrites(redis);
  const writeMetric = createMetricWrites(script, lastWrites);
  const writeLate = createLateWrites(script);

  const callbacks = new Set<() => void>();
  const recovered = () => {
    lastWrites.forget();
    catalogue.lost();
    for (const callback of callbacks) callback();
  };
  onReconnected(redis, recovered);

  return {
    async write(owner, changes) {
      catalogue.ensure();
      const calls = windowsOf(changes).map((metric) => writeMetric(owner, changes.position, metric));
      const late = changes.late === undefined ? [] : writeLate(owner, changes.late);
      const written = await all([...calls, ...late]).catch(explain);
      refuseFormer(owner, epochsOf(written));
      if (written.some(isLost)) recovered();
      return Math.max(-1, ...written.map(([, aheadAt]) => aheadAt));
    },
    async report(owner, health) {
      const version = { sequenceNumber: health.sequenceNumber, enqueuedAtMs: 0 };
      const written = await writeMetric(owner, version, windowOfHealth(health)).catch(() => undefined);
      if (written !== undefined && isLost(written)) recovered();
    },
    async look(owner) {
      const isThere = await lastWrites.areThere(owner, ownedMetrics).catch(() => true);
      if (!isThere) recovered();
    },
    ...createOwnership(redis, script, explain),
    onRecovered(callback) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
    ready: (limitMs) => untilReady(redis, limitMs).then(catalogue.announce).catch(explain),
    async close() {
      if (redis.status === 'ready') await redis.quit().catch(() => redis.disconnect());
      else redis.disconnect();
    },
  };
}
