import type { PartitionOwnership } from '@azure/event-hubs';
import { expect, test } from 'vitest';
import { createLeaseAges } from '../../../src/messaging/azure/lease-ages.js';

const HOUR_MS = 3_600_000;

/** A storage account, and a process whose clock is off by `skewMs`, at the same moment. */
function createWorld() {
  const world = { trueMs: 1_800_000_000_000, skewMs: 0, storeSkewMs: 0, asked: 0 };
  const judge = createLeaseAges({
    now: () => world.trueMs + world.skewMs,
    steadyMs: () => world.trueMs - 1_799_999_000_000,
    async storeMs() {
      world.asked++;
      return world.trueMs + world.storeSkewMs;
    },
  });
  const lease = (etag: string, ageMs: number): PartitionOwnership => ({
    ...{ fullyQualifiedNamespace: 'ns', eventHubName: 'clicks', consumerGroup: 'aggregators' },
    ...{ partitionId: '0', ownerId: 'other', etag },
    lastModifiedTimeInMs: world.trueMs + world.storeSkewMs - ageMs,
  });
  /** As the SDK computes it. */
  const ageOf = async (seen: PartitionOwnership) => {
    const [judged] = await judge([seen]);
    return world.trueMs + world.skewMs - (judged?.lastModifiedTimeInMs as number);
  };
  return { world, lease, ageOf };
}

test('at first sight a lease is as old as the storage account says, however wrong the clock of this machine is', async () => {
  for (const skewMs of [0, HOUR_MS, -HOUR_MS, 24 * HOUR_MS, -24 * HOUR_MS]) {
    const { world, lease, ageOf } = createWorld();
    world.skewMs = skewMs;
    expect(await ageOf(lease('a', 40_000))).toBe(40_000);
  }
});

test('a lease that is renewed stays young, and one that is not grows old, while clocks are set back and forth', async () => {
  const { world, lease, ageOf } = createWorld();
  const gone = lease('gone', 0);
  await ageOf(gone);
  for (const [step, skewMs] of [HOUR_MS, -HOUR_MS, 24 * HOUR_MS, 0].entries()) {
    world.trueMs += 10_000;
    world.skewMs = skewMs;
    world.storeSkewMs = -skewMs;
    expect(await ageOf(gone)).toBe((step + 1) * 10_000);
  }
  expect(await ageOf(lease('renewed', 5_000))).toBe(0);
  expect(world.asked).toBe(1);
});

test('a lease that was renewed before the clocks were set back is not held for as long as they were', async () => {
  const { world, lease, ageOf } = createWorld();
  const gone = lease('a', 0);
  world.storeSkewMs = -HOUR_MS;
  expect(await ageOf(gone)).toBe(0);
  world.trueMs += 6_000;
  expect(await ageOf(gone)).toBe(6_000);
});

test('a lease that was given up stays free', async () => {
  const { lease, ageOf } = createWorld();
  const { lastModifiedTimeInMs: _, ...givenUp } = lease('a', 0);
  expect(await ageOf(givenUp)).toBeGreaterThan(24 * HOUR_MS);
});
