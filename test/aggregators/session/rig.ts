import { fencedError } from '../../../src/aggregators/errors.js';
import { allMetrics } from '../../../src/aggregators/metrics/index.js';
import { defaultAggregatorOptions } from '../../../src/aggregators/options.js';
import {
  createPartitionSession,
  defaultSessionOptions,
  type PartitionSession,
} from '../../../src/aggregators/session/partition-session.js';
import type { Owner } from '../../../src/aggregators/sink/owner.js';
import type { LiveSink } from '../../../src/aggregators/sink/redis-sink.js';
import type { StateChanges } from '../../../src/aggregators/state/changes.js';
import { createPartitionState } from '../../../src/aggregators/state/partition.js';
import type { PartitionEvent } from '../../../src/messaging/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import type { PartitionHealth } from '../../../src/shared/partition-health.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { pageView, START_MS } from '../driver.js';

export const MINUTE = 60_000;
export const ROOM_FOR_IDS = 100;

const options = {
  ...defaultSessionOptions,
  flushIntervalMs: 100,
  snapshotIntervalMs: 1_000,
  maxUnwrittenPanes: 10,
  maxPauseMs: 5_000,
};

/** What a session is surrounded by, as a test sets it, and what it did there. */
function createWorld() {
  const dedup = { ...defaultAggregatorOptions.dedup, maxIdsPerGeneration: ROOM_FOR_IDS };
  return {
    clock: createManualClock(),
    state: createPartitionState({ ...defaultAggregatorOptions, dedup }, { ...allMetrics, seed: [1, 2] }),
    /** What was done, in order. */
    deeds: [] as string[],
    /** The totals of each write. */
    shown: [] as string[][],
    reports: [] as PartitionHealth[],
    logged: [] as string[],
    sinkIsAway: false,
    /** The sink answers nothing before this. */
    sinkAnswers: undefined as Promise<void> | undefined,
    storeIsAway: false,
    /** The store answers nothing before this. */
    storeAnswers: undefined as Promise<void> | undefined,
    /** How often it was asked. */
    saves: 0,
    /** Epochs of a later owner, as far as it has made itself known. */
    laterOwner: undefined as number | undefined,
    laterOwnerInStore: undefined as number | undefined,
    /** Where what is shown already was written by a former owner. */
    aheadAt: -1,
    /** How often the offers were looked after, and given up. */
    kicks: 0,
    closes: 0,
    offersChanged: () => {},
    recover: () => {},
  };
}

type World = ReturnType<typeof createWorld>;

function createSink(world: World): LiveSink {
  return {
    async claim({ epoch }) {
      return epoch;
    },
    async write(owner: Owner, { position, totals }: StateChanges) {
      await world.sinkAnswers;
      if (world.sinkIsAway) throw new Error('away');
      const { laterOwner } = world;
      if (laterOwner !== undefined) throw fencedError('partition 0', { epoch: owner.epoch, by: laterOwner });
      world.deeds.push(`show ${position.sequenceNumber}`);
      world.shown.push(totals.flatMap(({ names }) => names).sort());
      return world.aheadAt > position.sequenceNumber ? world.aheadAt : -1;
    },
    async forget() {},
    adopt: async () => true,
    async forgetOthers() {},
    async report(_owner, health) {
      world.reports.push(health);
    },
    async look() {
      await world.sinkAnswers;
      world.deeds.push('look');
    },
    onRecovered(callback) {
      world.recover = callback;
      return () => {};
    },
    async ready() {},
    async close() {},
  };
}

function createOpener(world: World): () => PartitionSession {
  const sink = createSink(world);
  const stops = new Map<string, string>();
  const { clock, state, deeds } = world;
  return () =>
    createPartitionSession(
      {
        owner: { partition: '0', epoch: 1 },
        state,
        sink,
        async save({ position }) {
          world.saves++;
          await world.storeAnswers;
          if (world.storeIsAway) throw new Error('away');
          const by = world.laterOwnerInStore;
          if (by !== undefined) throw fencedError('blob 0', { epoch: 1, by });
          deeds.push(`save ${position.sequenceNumber}`);
        },
        async checkpoint({ sequenceNumber }) {
          deeds.push(`checkpoint ${sequenceNumber}`);
        },
        async adopt() {
          deeds.push('adopt');
        },
        offers: {
          kick: () => void world.kicks++,
          close: () => void world.closes++,
          givenUp: 2,
          onChange(callback) {
            world.offersChanged = callback;
          },
        },
        stops,
        clock,
        // The longest wait of each backoff.
        random: () => 1,
        logger: createLogger('test', 'warn', { write: (line: string) => void world.logged.push(line) }),
      },
      options,
    );
}

export type SessionRig = ReturnType<typeof createSessionRig>;

/** A session of a partition on virtual time, between a sink and a store that do as the test says. */
export function createSessionRig() {
  const world = createWorld();
  const open = createOpener(world);
  let next = 0;

  /** Lets everything that waits for nothing but a turn happen. */
  async function settle() {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  return Object.assign(world, {
    session: open(),
    /** The next session of the partition, in the same process. */
    open,
    settle,

    async advance(ms: number) {
      for (let passed = 0; passed < ms; passed += 50) {
        world.clock.advance(50);
        await settle();
      }
    },

    hubEvent: (...atMinutes: number[]): PartitionEvent => ({
      partitionId: '0',
      sequenceNumber: next,
      offset: String(next++),
      enqueuedAtMs: START_MS + Math.max(...atMinutes) * MINUTE,
      body: Buffer.from(JSON.stringify(atMinutes.map((minute) => pageView(minute * MINUTE)))),
    }),

    /** The sink does not answer until what this returns is called. */
    holdSink() {
      let answer = () => {};
      world.sinkAnswers = new Promise((resolve) => {
        answer = resolve;
      });
      return answer;
    },

    /** The store neither; with an error it says that it has not done what it was asked. */
    holdStore() {
      let answer = (_error?: Error) => {};
      world.storeAnswers = new Promise((resolve, reject) => {
        answer = (error) => {
          world.storeAnswers = undefined;
          if (error === undefined) resolve();
          else reject(error);
        };
      });
      return answer;
    },
  });
}
