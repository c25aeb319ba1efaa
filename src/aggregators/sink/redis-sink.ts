import { readFileSync } from 'node:fs';
import { messageOf } from '../../shared/errors.js';
import { encodeLateEvent, LATE_FIELDS, type LateEvent, lateEntryId } from '../../shared/late-events.js';
import {
  CATALOGUE_KEY,
  HEALTH,
  HEALTH_NAME,
  LATE,
  LATE_STREAM_LENGTH,
  LIST_NAME,
  LIVE_CHANNEL,
  lateStreamKey,
  ownersKey,
  PANE_RETENTION_MS,
  type PaneMetricId,
  paneExpiriesKey,
  paneIndexKey,
  paneKey,
  singleKey,
  TOTALS,
} from '../../shared/live-keys.js';
import type { Logger } from '../../shared/logger.js';
import type { PartitionHealth } from '../../shared/partition-health.js';
import { descriptions } from '../metrics/index.js';
import type { StateChanges } from '../state/changes.js';
import type { LateChange } from '../state/late.js';
import type { PaneChange } from '../windows/panes.js';
import { all } from './all.js';
import { connectSinkRedis, onReconnected, untilReady } from './connection.js';
import { createLastWrites } from './last-writes.js';
import { epochsOf, type Owner, refuseFormer } from './owner.js';
import { createOwnership, type DefineScript, MAX_WINDOWS_PER_CALL, ownedMetrics } from './ownership.js';
import { tellTrouble } from './trouble.js';

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

const MAX_PAIRS_PER_CALL = 4_000;
const MAX_LATE_PER_CALL = 300;

/** The highest owner epoch, the sequence number of the furthest window that was left as it is, or -1, and 1 for a loss. */
type Written = readonly [epoch: number, aheadAt: number, lost: number];

interface Window {
  readonly key: string;
  /** Start of the pane; empty for a window that is none. */
  readonly start: number | '';
  readonly expiryMs: number | '';
  readonly revision: number | '';
  /** There is more of the partition in it, which was written before. */
  readonly partial: '1' | '';
  readonly pairs: readonly (string | number)[];
}

export function createRedisSink(url: string, logger: Logger): LiveSink {
  const redis = connectSinkRedis(url);
  const explain = tellTrouble(redis, logger);
  const script: DefineScript = (name, file) => {
    redis.defineCommand(name, { lua: readFileSync(new URL(file, import.meta.url), 'utf8') });
    return (redis as unknown as Record<string, ReturnType<DefineScript>>)[name]?.bind(redis) as never;
  };
  const writePanes = script<Written>('writePanes', 'write-panes.lua');
  const writeLate = script<readonly [epoch: number, lost: number]>('writeLate', 'write-late.lua');

  const callbacks = new Set<() => void>();
  const lastWrites = createLastWrites(redis);
  onReconnected(redis, () => recovered());
  const recovered = () => {
    lastWrites.forget();
    announced = false;
    tellMetrics();
    for (const callback of callbacks) callback();
  };

  let announced = false;
  let toldOfFailure = false;
  const tellMetrics = () => {
    announce()
      .catch(explain)
      .catch((error: unknown) => {
        if (!toldOfFailure) logger.warn({ err: messageOf(error) }, 'the metrics could not be announced; trying again');
        toldOfFailure = true;
      });
  };
  /** Readers learn from it what there is. The newest aggregator's word holds. */
  const announce = async () => {
    const entries = descriptions.map((description) => [description.name, JSON.stringify(description)] as const);
    await redis.multi().del(CATALOGUE_KEY).hset(CATALOGUE_KEY, new Map(entries)).exec();
    announced = true;
    toldOfFailure = false;
  };
  const call = async (owner: Owner, target: Target, version: Version, windows: readonly Window[]): Promise<Written> => {
    const { partition, epoch, hubCreatedAtMs } = owner;
    const written = await writePanes(
      windows.length + 3,
      ownersKey(target.name),
      target.indexKey,
      target.expiriesKey,
      ...windows.map(({ key }) => key),
      partition,
      epoch,
      version.sequenceNumber,
      target.quiet ? '' : LIVE_CHANNEL,
      JSON.stringify({
        metric: target.name,
        partition,
        version: version.sequenceNumber,
        windows: windows.map(({ start }) => start),
      }),
      version.enqueuedAtMs,
      lastWrites.of(owner, target.name) ?? '',
      hubCreatedAtMs ?? '',
      ...windows.flatMap(({ start, expiryMs, revision, partial, pairs }) => [
        ...[start, expiryMs, revision, partial, pairs.length / 2],
        ...pairs,
      ]),
    );
    if (written[0] === epoch) lastWrites.answered(owner, target.name, version.sequenceNumber);
    return written;
  };

  const callLate = async (
    { partition, epoch, hubCreatedAtMs }: Owner,
    after: LateEvent | undefined,
    events: readonly LateEvent[],
  ): Promise<Written> => {
    const [by, lost] = await writeLate(
      2,
      ownersKey(LATE),
      lateStreamKey(partition),
      partition,
      epoch,
      LATE_STREAM_LENGTH,
      after === undefined ? '' : lateEntryId(after),
      hubCreatedAtMs ?? '',
      LATE_FIELDS,
      ...events.flatMap((event) => [lateEntryId(event), ...encodeLateEvent(event)]),
    );
    return [by, -1, lost];
  };
  /** In the order in which they are sent: each call follows the one before. */
  const addLate = (owner: Owner, { after, events }: LateChange) => {
    const calls: Promise<Written>[] = [];
    for (let at = 0; at < events.length; at += MAX_LATE_PER_CALL)
      calls.push(callLate(owner, events[at - 1] ?? after, events.slice(at, at + MAX_LATE_PER_CALL)));
    return calls;
  };

  return {
    async write(owner, changes) {
      if (!announced) tellMetrics();
      const { position } = changes;
      const calls: Promise<Written>[] = [];
      for (const { metric, changes: panes } of changes.panes) {
        const windows = panes.map((pane) => paneWindow(metric, pane, position.enqueuedAtMs));
        const target = paneTarget(metric);
        for (const chunk of chunks(windows)) calls.push(call(owner, target, position, chunk));
      }
      const singles = [
        ...changes.lists.map(({ metric, entries }) => single(metric, [LIST_NAME, JSON.stringify(entries)])),
        ...changes.totals.map((change) => ({ ...single(TOTALS, pairsOf(change)), partial: partialOf(change) })),
      ];
      for (const window of singles) calls.push(call(owner, singleTarget(window.metric), position, [window]));
      const late = changes.late === undefined ? [] : addLate(owner, changes.late);
      const written = await all([...calls, ...late]).catch(explain);
      refuseFormer(owner, epochsOf(written));
      if (written.some(isLost)) recovered();
      return Math.max(-1, ...written.map(([, aheadAt]) => aheadAt));
    },
    async report(owner, health) {
      const version = { sequenceNumber: health.sequenceNumber, enqueuedAtMs: 0 };
      const window = single(HEALTH, [HEALTH_NAME, JSON.stringify(health)]);
      const written = await call(owner, singleTarget(HEALTH), version, [window]).catch(() => undefined);
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
    ready: (limitMs) => untilReady(redis, limitMs).then(announce).catch(explain),
    async close() {
      if (redis.status === 'ready') await redis.quit().catch(() => redis.disconnect());
      else redis.disconnect();
    },
  };
}

type Version = Pick<StateChanges['position'], 'sequenceNumber' | 'enqueuedAtMs'>;

const isLost = ([, , lost]: Written): boolean => lost === 1;

/** What the script needs of a metric beside its hashes. */
interface Target {
  readonly name: string;
  readonly indexKey: string;
  readonly expiriesKey: string;
  /** Its writes are not announced. */
  readonly quiet: boolean;
}

const paneTarget = (metric: PaneMetricId): Target => ({
  name: metric.name,
  indexKey: paneIndexKey(metric),
  expiriesKey: paneExpiriesKey(metric),
  quiet: false,
});

/** A hash that is no pane is in no index: these two stay empty, and are here because the script names its keys. */
const singleTarget = (name: string): Target => {
  const key = singleKey(name);
  return { name, indexKey: `${key}:index`, expiriesKey: `${key}:expiries`, quiet: name === HEALTH };
};

const single = (metric: string, pairs: readonly (string | number)[]): Window & { readonly metric: string } => ({
  metric,
  key: singleKey(metric),
  start: '',
  expiryMs: '',
  revision: '',
  partial: '',
  pairs,
});

const partialOf = ({ partial }: PaneChange): Window['partial'] => (partial ? '1' : '');

/** Readable for the retention after its end, or after its data reached the hub: old events of an import are shown too. */
function paneWindow(metric: PaneMetricId, pane: PaneChange, enqueuedAtMs: number): Window {
  const expiryMs = Math.max(pane.startMs + metric.paneMs, enqueuedAtMs) + PANE_RETENTION_MS;
  const { startMs, revision = '' } = pane;
  const key = paneKey(metric, startMs);
  return { key, start: startMs, expiryMs, revision, partial: partialOf(pane), pairs: pairsOf(pane) };
}

function pairsOf(change: PaneChange): (string | number)[] {
  const pairs: (string | number)[] = [];
  for (let at = 0; at < change.names.length; at++) {
    const value = change.values[at] as number | string;
    pairs.push(change.names[at] as string, value === 0 ? '' : value);
  }
  return pairs;
}

function* chunks(windows: readonly Window[]): Generator<Window[]> {
  let chunk: Window[] = [];
  let pairs = 0;
  for (const window of windows) {
    const tooMany = chunk.length >= MAX_WINDOWS_PER_CALL || pairs + window.pairs.length / 2 > MAX_PAIRS_PER_CALL;
    if (chunk.length > 0 && tooMany) {
      yield chunk;
      chunk = [];
      pairs = 0;
    }
    chunk.push(window);
    pairs += window.pairs.length / 2;
  }
  if (chunk.length > 0) yield chunk;
}
