import { setImmediate } from 'node:timers/promises';
import { createAggregator } from '../../src/aggregators/aggregator.js';
import { descriptions } from '../../src/aggregators/metrics/index.js';
import type { AggregatorOptions } from '../../src/aggregators/options.js';
import { defaultSessionOptions } from '../../src/aggregators/session/partition-session.js';
import { all } from '../../src/aggregators/sink/all.js';
import { epochsOf, type Owner, refuseFormer } from '../../src/aggregators/sink/owner.js';
import type { LiveSink } from '../../src/aggregators/sink/redis-sink.js';
import type { SavedState } from '../../src/aggregators/state/saved.js';
import { createStateStore } from '../../src/aggregators/state/store.js';
import type { TopicMessage } from '../../src/events/index.js';
import type { BlobStore, PartitionEvent } from '../../src/messaging/index.js';
import type { BehaviourDefinition } from '../../src/shared/config/index.js';
import { LATE, TOTALS } from '../../src/shared/live-keys.js';
import { createLogger } from '../../src/shared/logger.js';
import { createManualClock, type ManualClock } from '../helpers/manual-clock.js';
import { callsOf, createSinkModel, type SinkModel } from './sink/model.js';

const logger = createLogger('test', 'silent');
const session = {
  ...defaultSessionOptions,
  flushIntervalMs: 100,
  snapshotIntervalMs: 1_000,
  snapshotShare: 1,
  maxUnwrittenPanes: 12,
  maxPauseMs: 3_000,
};

/** What has owners of its own, beside the late events. */
const shownNames = [...descriptions.map(({ name }) => name), TOTALS];
/** They are many calls, of which some may come and others not. */
const halves = <T>(all: readonly T[]): T[][] => [all.slice(0, all.length / 2), all.slice(all.length / 2)];

/** A step of a process into the world outside: what it does there, and what the process gets to know of it. */
interface Step {
  readonly what: string;
  run(): void;
  /** It is done, but the answer is lost. */
  lose(): void;
  /** It is not done. */
  fail(): void;
}

/** One aggregator process. It takes no step by itself: nothing happens outside but what the test lets happen. */
export interface WorldProcess {
  readonly clock: ManualClock;
  /** Steps that wait, in the order in which they were begun. */
  readonly steps: Step[];
  /** Its event processor was given the partition. */
  open(partition: number): void;
  /** Its event processor gives it up to `count` events on. Nothing happens while it has not finished those before. */
  deliver(partition: number, count: number): void;
  close(partition: number): void;
  closeAll(): void;
  owns(partition: number): boolean;
  /** Redis was away and may have lost what it had. */
  recover(): void;
}

export interface World {
  readonly redis: SinkModel;
  send(partition: number, pack: readonly unknown[], enqueuedAtMs: number): void;
  /** The hub is deleted and made again under its name. Who read it learns that it is gone. */
  replaceHub(): void;
  /** How many hub events a partition has. */
  length(partition: number): number;
  startProcess(): WorldProcess;
  /** Saved states that were replaced by one of a former owner, or by an earlier one: there must be none. */
  readonly takenBack: readonly string[];
  /** Checkpoints of what Redis did not have yet: there must be none. */
  readonly notShown: readonly string[];
  /** What the topic has: bodies by message id. It detects duplicates, so of an id it has the first. */
  readonly topic: ReadonlyMap<string, string>;
  /** Ids of messages that were sent again with another body: there must be none. */
  readonly contradicted: readonly string[];
  /** Checkpoints by partition, as other tools see them. */
  readonly checkpoints: ReadonlyMap<string, { epoch: number; sequenceNumber: number }>;
}

/** The hub, Blob and Redis in memory, and aggregators as they are, on virtual time and with every step in hand. */
export function createWorld(
  options: AggregatorOptions,
  partitions: number,
  behaviours: readonly BehaviourDefinition[],
): World {
  const hub: PartitionEvent[][] = Array.from({ length: partitions }, () => []);
  const files = new Map<string, { bytes: Buffer; metadata: Readonly<Record<string, string>>; version: string }>();
  const saved: SavedState[] = [];
  const takenBack: string[] = [];
  const notShown: string[] = [];
  const topic = new Map<string, string>();
  const contradicted: string[] = [];
  const checkpoints = new Map<string, { epoch: number; sequenceNumber: number }>();
  const redis = createSinkModel();
  const processes: WorldProcess[] = [];
  let versions = 0;
  /** How many hubs there were before this one; it stands for the time at which it was made. */
  let hubs = 0;

  /** Kept as they are: compressing them thousands of times is the subject of no test here. */
  const codec = {
    encode: async (state: SavedState) => Buffer.from(String(saved.push(state) - 1)),
    decode: async (bytes: Buffer) => saved[Number(bytes.toString())] as SavedState,
  };
  const conditionally = (name: string, ifVersion: string | undefined, change: () => void) => {
    const found = files.get(name);
    if (found?.version !== ifVersion) return { conflict: found };
    change();
    const { metadata } = files.get(name) as { metadata: Readonly<Record<string, string>> };
    const isSameHub = found?.metadata['hubcreatedat'] === metadata['hubcreatedat'];
    for (const field of isSameHub ? ['ownerepoch', 'sequencenumber'] : ['ownerepoch']) {
      const [before, after] = [found?.metadata[field] ?? 0, metadata[field] ?? 0].map(Number) as [number, number];
      if (after < before) takenBack.push(`${name}: ${field} ${before} to ${after}`);
    }
    return { version: files.get(name)?.version ?? '' };
  };

  function startProcess(): WorldProcess {
    const clock = createManualClock();
    const steps: Step[] = [];
    const reading = new Map<number, { next: number; busy: boolean }>();
    const callbacks = new Set<() => void>();
    const step = <T>(what: string, effect: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        steps.push({
          what,
          run: () => resolve(effect()),
          lose() {
            effect();
            reject(new Error('the answer was lost'));
          },
          fail: () => reject(new Error('away')),
        });
      });
    const blobs: BlobStore = {
      read: (name) => step('read blob', () => files.get(name)),
      write: (name, bytes, { metadata, ifVersion }) =>
        step('write blob', () =>
          conditionally(name, ifVersion, () => files.set(name, { bytes, metadata, version: `v${versions++}` })),
        ),
      setMetadata: (name, metadata, ifVersion) =>
        step('claim blob', () =>
          conditionally(name, ifVersion, () => {
            const { bytes } = files.get(name) as { bytes: Buffer };
            files.set(name, { bytes, metadata, version: `v${versions++}` });
          }),
        ),
    };
    const recovered = () => {
      for (const callback of callbacks) callback();
    };
    const adoptAll = async (what: string, owner: Owner, last?: number) => {
      const calls = halves([...shownNames, LATE]).map((metrics) =>
        step(what, () => metrics.map((metric) => redis.adopt(owner, metric, last))),
      );
      return (await all(calls)).flat();
    };
    const sink: LiveSink = {
      claim: async ({ partition, epoch }) => Math.max(...epochsOf(await adoptAll('claim redis', { partition, epoch }))),
      async write(owner, changes) {
        const { late, position } = changes;
        const calls = callsOf(changes).map((call) =>
          step('write redis', () => redis.call(owner, position.sequenceNumber, call)),
        );
        if (late !== undefined) {
          const adding = step('write late', () => redis.addLate(owner, late));
          calls.push(adding.then(([epoch, lost]) => [epoch, -1, lost]));
        }
        const written = await all(calls);
        refuseFormer(owner, epochsOf(written));
        if (written.some(([, , lost]) => lost)) recovered();
        return Math.max(-1, ...written.map(([, aheadAt]) => aheadAt));
      },
      async report() {},
      async look(owner) {
        const looking = step('look redis', () => [...shownNames, LATE].every((name) => redis.isClaimed(owner, name)));
        if (!(await looking.catch(() => true))) recovered();
      },
      async forget(owner) {
        refuseFormer(owner, [await step('forget redis', () => redis.forget(owner))]);
      },
      async adopt(owner, last) {
        const answers = await adoptAll('adopt redis', owner, last);
        refuseFormer(owner, epochsOf(answers));
        return answers.every(([, isSame]) => isSame);
      },
      async forgetOthers() {},
      onRecovered(callback) {
        callbacks.add(callback);
        return () => void callbacks.delete(callback);
      },
      async ready() {},
      async close() {},
    };
    const processor = {
      checkpoint(partitionId: string, { sequenceNumber }: { sequenceNumber: number }, epoch: number) {
        // Every pack changes the totals.
        const shown = redis.versions.get(`totals/0/${partitionId}`) ?? -1;
        if (shown < sequenceNumber) notShown.push(`${partitionId}: ${sequenceNumber} while ${shown} is shown`);
        return step('checkpoint', () => {
          const stored = checkpoints.get(partitionId);
          const isFollowed = stored !== undefined && stored.epoch > epoch;
          const isBehind = stored?.epoch === epoch && stored.sequenceNumber >= sequenceNumber;
          if (!isFollowed && !isBehind) checkpoints.set(partitionId, { epoch, sequenceNumber });
        });
      },
    };
    const publisher = {
      send: (messages: readonly TopicMessage[]) =>
        step('send offers', () => {
          for (const { messageId, body } of messages) {
            if ((topic.get(messageId) ?? body) !== body) contradicted.push(messageId);
            if (!topic.has(messageId)) topic.set(messageId, body);
          }
          return messages.length;
        }),
    };
    const states = createStateStore({ blobs, codec, logger }, 'ns/hub/group');
    const aggregator = createAggregator(
      { processor, sink, states, topic: publisher, clock, random: () => 0.5, logger },
      { aggregator: options, session, behaviours },
    );
    const giveUp = (partition: number) => {
      reading.delete(partition);
      void aggregator.close(String(partition)).catch(() => {});
    };
    return {
      clock,
      steps,
      open(partition) {
        if (reading.has(partition)) return;
        const place = { next: 0, busy: true };
        reading.set(partition, place);
        const partitionId = String(partition);
        const ask = () =>
          step('ask hub', () => {
            const last = (hub[partition]?.length ?? 0) - 1;
            const facts = { firstSequenceNumber: 0, lastSequenceNumber: last, lastEnqueuedAtMs: 0, empty: last < 0 };
            return { partitionId, ...facts, hubCreatedAtMs: hubs };
          });
        const ofHub = hubs;
        aggregator.open(partitionId, ask).then(
          (position) => {
            // What it was to read is not there any more.
            if (ofHub !== hubs) return giveUp(partition);
            // The service may give some again.
            place.next = Math.max(0, (position?.sequenceNumber ?? -1) - 1);
            place.busy = false;
          },
          () => reading.delete(partition),
        );
      },
      deliver(partition, count) {
        const place = reading.get(partition);
        if (place === undefined || place.busy) return;
        place.busy = true;
        const events = hub[partition]?.slice(place.next, place.next + count) ?? [];
        aggregator.process(String(partition), events).then(
          () => {
            place.next += events.length;
            place.busy = false;
          },
          () => giveUp(partition),
        );
      },
      close: giveUp,
      closeAll: () => [...reading.keys()].forEach(giveUp),
      owns: (partition) => reading.get(partition)?.busy === false,
      recover: recovered,
    };
  }

  return {
    redis,
    takenBack,
    notShown,
    topic,
    contradicted,
    checkpoints,
    send(partition, pack, enqueuedAtMs) {
      const events = hub[partition] as PartitionEvent[];
      events.push({
        partitionId: String(partition),
        sequenceNumber: events.length,
        offset: String(events.length * 100),
        enqueuedAtMs,
        body: Buffer.from(JSON.stringify(pack)),
      });
    },
    replaceHub() {
      hubs++;
      for (const events of hub) events.length = 0;
      for (const each of processes) each.closeAll();
    },
    length: (partition) => hub[partition]?.length ?? 0,
    startProcess() {
      const started = startProcess();
      processes.push(started);
      return started;
    },
  };
}

/** Lets everything happen that waits for nothing outside: no promise that can go on is left when the loop turns. */
export const settle = (): Promise<void> => setImmediate();
