import { beforeEach, expect, test } from 'vitest';
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
import { createPartitionState, type PartitionState } from '../../../src/aggregators/state/partition.js';
import type { PartitionEvent } from '../../../src/messaging/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import type { PartitionHealth } from '../../../src/shared/partition-health.js';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js';
import { pageView, START_MS } from '../driver.js';

const MINUTE = 60_000;
const ROOM_FOR_IDS = 100;

let clock: ManualClock;
let state: PartitionState;
let session: PartitionSession;
/** The next session of the partition, in the same process. */
let open: () => PartitionSession;
/** What was done, in order. */
let deeds: string[];
let sinkIsAway: boolean;
/** The sink answers nothing before this. */
let sinkAnswers: Promise<void> | undefined;
/** The sink does not answer until what this returns is called. */
const holdSink = () => {
  let answer = () => {};
  sinkAnswers = new Promise((resolve) => {
    answer = resolve;
  });
  return answer;
};
let storeIsAway: boolean;
/** Epochs of a later owner, as far as it has made itself known. */
let laterOwner: number | undefined;
let laterOwnerInStore: number | undefined;
/** How often the offers were looked after, and given up. */
let offersChanged = () => {};
let reports: PartitionHealth[];
let kicks: number;
let logged: string[];
let closes: number;
let recover: () => void;

beforeEach(() => {
  clock = createManualClock();
  deeds = [];
  kicks = 0;
  reports = [];
  closes = 0;
  sinkIsAway = false;
  sinkAnswers = undefined;
  storeIsAway = false;
  laterOwner = undefined;
  laterOwnerInStore = undefined;
  const dedup = { ...defaultAggregatorOptions.dedup, maxIdsPerGeneration: ROOM_FOR_IDS };
  state = createPartitionState({ ...defaultAggregatorOptions, dedup }, { ...allMetrics, seed: [1, 2] });
  logged = [];
  aheadAt = -1;
  shown = [];
  const sink: LiveSink = {
    async claim({ epoch }) {
      return epoch;
    },
    async write(owner: Owner, { position, totals }: StateChanges) {
      await sinkAnswers;
      if (sinkIsAway) throw new Error('away');
      if (laterOwner !== undefined) throw fencedError('partition 0', { epoch: owner.epoch, by: laterOwner });
      deeds.push(`show ${position.sequenceNumber}`);
      shown.push(totals.flatMap(({ names }) => names).sort());
      return aheadAt > position.sequenceNumber ? aheadAt : -1;
    },
    async forget() {},
    adopt: async () => true,
    async forgetOthers() {},
    async report(_owner, health) {
      reports.push(health);
    },
    onRecovered(callback) {
      recover = callback;
      return () => {};
    },
    async ready() {},
    async close() {},
  };
  const stops = new Map<string, string>();
  open = () =>
    createPartitionSession(
      {
        owner: { partition: '0', epoch: 1 },
        state,
        sink,
        async save({ position }) {
          if (storeIsAway) throw new Error('away');
          if (laterOwnerInStore !== undefined) throw fencedError('blob 0', { epoch: 1, by: laterOwnerInStore });
          deeds.push(`save ${position.sequenceNumber}`);
        },
        async checkpoint({ sequenceNumber }) {
          deeds.push(`checkpoint ${sequenceNumber}`);
        },
        async adopt() {
          deeds.push('adopt');
        },
        offers: {
          kick: () => void kicks++,
          close: () => void closes++,
          givenUp: 2,
          onChange(callback) {
            offersChanged = callback;
          },
        },
        stops,
        clock,
        logger: createLogger('test', 'warn', { write: (line: string) => void logged.push(line) }),
      },
      {
        ...defaultSessionOptions,
        flushIntervalMs: 100,
        snapshotIntervalMs: 1_000,
        maxUnwrittenPanes: 10,
        maxPauseMs: 5_000,
      },
    );
  session = open();
});

/** Where what is shown already was written by a former owner. */
let aheadAt: number;
/** The totals of each write. */
let shown: string[][];

let next = 0;
beforeEach(() => {
  next = 0;
});

const hubEvent = (...atMinutes: number[]): PartitionEvent => ({
  partitionId: '0',
  sequenceNumber: next,
  offset: String(next++),
  enqueuedAtMs: START_MS + Math.max(...atMinutes) * MINUTE,
  body: Buffer.from(JSON.stringify(atMinutes.map((minute) => pageView(minute * MINUTE)))),
});

/** Lets everything that waits for nothing but a turn happen. */
async function settle() {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function advance(ms: number) {
  for (let passed = 0; passed < ms; passed += 50) {
    clock.advance(50);
    await settle();
  }
}

test('the first change is shown at once, further ones together after the interval', async () => {
  await session.process([hubEvent(0)]);
  await advance(50);
  expect(deeds).toEqual(['show 0']);
  await session.process([hubEvent(0)]);
  await session.process([hubEvent(0)]);
  await advance(100);
  expect(deeds).toEqual(['show 0', 'show 2']);
});

test('what a former owner has shown further on is shown whole once this one has come as far', async () => {
  aheadAt = 2;
  await session.process([{ ...hubEvent(0), body: Buffer.from('no pack') }]);
  await advance(100);
  for (let count = 0; count < 3; count++) {
    await session.process([hubEvent(0)]);
    await advance(100);
  }
  expect(shown).toEqual([['malformed'], ['counted'], ['counted', 'malformed'], ['counted']]);
});

test('the state is saved now and then, and the checkpoint follows it', async () => {
  await session.process([hubEvent(0), hubEvent(0)]);
  await advance(1_000);
  expect(deeds).toEqual(['show 1', 'save 1', 'checkpoint 1']);
  await advance(5_000);
  expect(deeds).toHaveLength(3);
});

test('what was applied in part is neither shown nor saved, so that the next owner reads all of it again', async () => {
  await session.process([hubEvent(0)]);
  await advance(50);
  const { apply } = state;
  state.apply = (pack, at) => {
    apply(pack?.slice(0, 1), at);
    throw new Error('a bug');
  };
  await expect(session.process([hubEvent(0, 1)])).rejects.toThrow('a bug');
  await expect(session.process([hubEvent(2)])).rejects.toThrow('opened again');
  await advance(5_000);
  await session.close();
  expect(deeds.filter((deed) => !deed.endsWith(' 0'))).toEqual([]);
});

test('at which error of its own code a reader stops is told, and until a hub event is applied again', async () => {
  await session.process([hubEvent(0)]);
  await advance(50);
  expect(reports.at(-1)).toMatchObject({ sequenceNumber: 0, stopped: null });
  const { apply } = state;
  state.apply = () => {
    throw new TypeError('what visitor-1 did has no name');
  };
  await expect(session.process([hubEvent(0)])).rejects.toThrow('has no name');
  expect(reports.at(-1)).toMatchObject({
    sequenceNumber: 0,
    stopped: expect.stringMatching(/^TypeError at .+:\d+:\d+$/),
  });
  await session.close();
  session = open();
  await advance(50);
  expect(reports.at(-1)).toMatchObject({ sequenceNumber: 0, stopped: expect.stringContaining('TypeError') });
  state.apply = apply;
  await session.process([hubEvent(0)]);
  await advance(200);
  expect(reports.at(-1)).toMatchObject({ stopped: null });
});

test('why the state is not saved is told, until it is saved again', async () => {
  await session.process([hubEvent(0)]);
  await advance(1_500);
  expect(reports.at(-1)).toMatchObject({ sequenceNumber: 0, unsaved: null });
  storeIsAway = true;
  await session.process([hubEvent(1)]);
  await advance(1_500);
  expect(reports.at(-1)).toMatchObject({ sequenceNumber: 1, unsaved: 'away' });
  await session.process([hubEvent(2)]);
  await advance(150);
  expect(reports.at(-1)).toMatchObject({ sequenceNumber: 2, unsaved: 'away' });
  storeIsAway = false;
  await advance(11_000);
  expect(reports.at(-1)).toMatchObject({ sequenceNumber: 2, unsaved: null });
});

test('offers are looked after when the partition is opened, as some may be left, and after what was read', async () => {
  expect(kicks).toBe(1);
  await session.process([hubEvent(0)]);
  expect(kicks).toBe(2);
});

test('ids that are forgotten early, because too many came, are told in each report, and in the log once', async () => {
  await session.process([hubEvent(0)]);
  await advance(50);
  expect(reports.at(-1)).toMatchObject({ idsRememberedMs: null });
  for (let minute = 1; minute < 5; minute++) {
    await session.process([hubEvent(...Array.from({ length: ROOM_FOR_IDS }, () => minute))]);
    await advance(200);
  }
  expect(reports.at(-1)).toMatchObject({ idsRememberedMs: MINUTE });
  expect(logged.filter((line) => line.includes('event ids are forgotten early'))).toHaveLength(1);
});

test('how the offers are is told with each write, and when it changes while nothing is read', async () => {
  await session.process([hubEvent(0)]);
  await advance(50);
  const before = reports.length;
  offersChanged();
  expect(reports).toHaveLength(before + 1);
  expect(reports.at(-1)).toMatchObject({ offersWaiting: 0, offersGivenUp: 2 });
  await session.close();
  const atClose = reports.length;
  offersChanged();
  expect(reports).toHaveLength(atClose);
});

test('a state that could not be saved is saved with the next change, and without a checkpoint before', async () => {
  storeIsAway = true;
  await session.process([hubEvent(0)]);
  await advance(1_000);
  storeIsAway = false;
  await session.process([hubEvent(0)]);
  await advance(1_000);
  expect(deeds.filter((deed) => !deed.startsWith('show'))).toEqual(['save 1', 'checkpoint 1']);
});

test('a checkpoint is of what is shown: while the sink is away the state is saved without one', async () => {
  sinkIsAway = true;
  await session.process([hubEvent(0)]);
  await advance(3_000);
  expect(deeds).toEqual(['save 0']);
  sinkIsAway = false;
  await advance(3_000);
  expect(deeds).toEqual(['save 0', 'show 0', 'checkpoint 0']);
});

test('figures that change all the time do not put checkpoints off, and none is ahead of them', async () => {
  for (let count = 0; count < 100; count++) {
    await session.process([hubEvent(0)]);
    await advance(50);
  }
  let shownAt = -1;
  let checkpoints = 0;
  for (const [kind, at] of deeds.map((deed) => deed.split(' '))) {
    if (kind === 'show') shownAt = Number(at);
    if (kind !== 'checkpoint') continue;
    checkpoints++;
    expect(Number(at)).toBeLessThanOrEqual(shownAt);
  }
  expect(checkpoints).toBeGreaterThanOrEqual(4);
});

test('a sink that stays away is told of once, and again when it was back in between', async () => {
  const complaints = () => logged.filter((line) => line.includes('could not be written')).length;
  await session.process([hubEvent(0)]);
  for (const times of [1, 2]) {
    sinkIsAway = true;
    await session.process([hubEvent(0)]);
    await advance(3_000);
    expect(complaints()).toBe(times);
    sinkIsAway = false;
    await advance(1_000);
  }
});

test('what the sink lost has to be shown again before a checkpoint is of it', async () => {
  await session.process([hubEvent(0)]);
  await advance(50);
  sinkIsAway = true;
  recover();
  await advance(3_000);
  expect(deeds).toEqual(['show 0', 'adopt', 'save 0']);
  sinkIsAway = false;
  await advance(3_000);
  expect(deeds).toEqual(['show 0', 'adopt', 'save 0', 'show 0', 'checkpoint 0']);
});

test('what the sink lost while it was being written is not taken for shown', async () => {
  const answer = holdSink();
  await session.process([hubEvent(0)]);
  await advance(50);
  recover();
  answer();
  await settle();
  sinkIsAway = true;
  await advance(3_000);
  expect(deeds).toEqual(['show 0', 'adopt', 'save 0']);
});

test('an empty pack is no lag', async () => {
  await session.process([hubEvent(0)]);
  await advance(100);
  await session.process([{ ...hubEvent(0), body: Buffer.from('[]') }]);
  await advance(100);
  expect(reports.at(-1)?.sequenceNumber).toBe(1);
  expect(deeds).toEqual(['show 0']);
});

test('closing saves the state while the sink does not answer', async () => {
  const answer = holdSink();
  await session.process([hubEvent(0)]);
  await advance(100);
  await session.process([hubEvent(0)]);
  const closed = session.close();
  await settle();
  expect(deeds).toEqual(['save 1']);
  answer();
  await closed;
  expect(deeds).toEqual(['save 1', 'show 0', 'show 1', 'checkpoint 1']);
});

test('a clock that is set back by an hour puts neither figures nor saves off', async () => {
  await session.process([hubEvent(0)]);
  await advance(1_000);
  clock.jump(-3_600_000);
  await session.process([hubEvent(0)]);
  await advance(100);
  expect(deeds).toEqual(['show 0', 'save 0', 'checkpoint 0', 'show 1']);
  await advance(10_000);
  expect(deeds).toEqual(['show 0', 'save 0', 'checkpoint 0', 'show 1', 'save 1', 'checkpoint 1']);
});

test('closing saves and shows what there is, and then comes the checkpoint', async () => {
  await session.process([hubEvent(0)]);
  await session.close();
  expect(deeds).toEqual(['save 0', 'show 0', 'checkpoint 0']);
  expect(closes).toBe(1);
  await session.process([hubEvent(0)]);
  await advance(5_000);
  expect(deeds).toHaveLength(3);
  expect(clock.pending).toBe(0);
});

test('while the sink is away reading pauses once too much waits, and goes on when it is back', async () => {
  sinkIsAway = true;
  await session.process([hubEvent(0, 1)]);
  let done = false;
  const paused = session.process([hubEvent(2, 3, 4, 5)]).then(() => {
    done = true;
  });
  await advance(2_000);
  expect(done).toBe(false);
  sinkIsAway = false;
  await advance(1_000);
  await paused;
  expect(deeds.find((deed) => deed.startsWith('show'))).toBe('show 1');
});

test('a sink that stays away makes the partition be given up, its state saved with what is not shown', async () => {
  sinkIsAway = true;
  let failure: unknown;
  const given = session.process([hubEvent(0, 1, 2, 3, 4)]).catch((error: unknown) => {
    failure = error;
  });
  await advance(7_000);
  await given;
  expect(failure).toMatchObject({ code: 'PS_SINK_UNAVAILABLE' });
  await session.close();
  expect(deeds).toEqual(['save 0']);
});

test('after the sink lost what it had everything is shown again', async () => {
  await session.process([hubEvent(0)]);
  await advance(200);
  const before = reports.length;
  recover();
  await advance(200);
  expect(deeds).toEqual(['show 0', 'adopt', 'show 0']);
  expect(reports.length).toBeGreaterThan(before);
});

test('after a later owner made itself known in the sink nothing is shown or saved any more, and reading ends', async () => {
  await session.process([hubEvent(0)]);
  await advance(200);
  laterOwner = 2;
  await session.process([hubEvent(0)]);
  await advance(200);
  laterOwner = undefined;
  await expect(session.process([])).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED', facts: { epoch: 1, by: 2 } });
  await expect(session.process([hubEvent(1)])).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED' });
  await advance(10_000);
  await session.close();
  expect(deeds).toEqual(['show 0']);
  expect(clock.pending).toBe(0);
});

test('a save that a later owner prevents is followed by no checkpoint and no further write', async () => {
  laterOwnerInStore = 2;
  await session.process([hubEvent(0)]);
  await advance(2_000);
  laterOwnerInStore = undefined;
  await expect(session.process([])).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED' });
  recover();
  await advance(2_000);
  await session.close();
  expect(deeds).toEqual(['show 0']);
});

test('the later owner is noticed at the close too, which then leaves everything as it is', async () => {
  await session.process([hubEvent(0)]);
  laterOwner = 2;
  laterOwnerInStore = 2;
  await session.close();
  expect(deeds).toEqual([]);
});
