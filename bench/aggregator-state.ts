import { resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { defaultAggregatorOptions } from '../src/aggregators/options.js';
import { createPartitionState, type PartitionState } from '../src/aggregators/state/partition.js';
import { decodeSnapshot, encodeSnapshot } from '../src/aggregators/state/snapshot.js';
import type { StateLoadOptions, StateLoadResult } from './lib/aggregator-state.js';

const PACK = 500;
const DEVICES = ['desktop', 'mobile', 'tablet', 'other'];
const FIRST_LOOK_MS = 20;
const START_MS = Date.UTC(2026, 0, 1, 12);
/** Metrics are found in their folder, and this program is bundled: so they are those that were built. */
const { allMetrics } = (await import(
  pathToFileURL(resolve('dist/aggregators/metrics/index.js')).href
)) as typeof import('../src/aggregators/metrics/index.js');
const parts = { ...allMetrics, seed: [7, 11] as const };

/** Fills partitions with visitors, saves each, and restores them, in a process of its own. */
process.once('message', async ({ partitions, visitors }: StateLoadOptions) => {
  const states = Array.from({ length: partitions }, (_, partition) => fill(partition, visitors));
  const saved: Buffer[] = [];
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  // It takes a first look at the clock, against which the next is a delay.
  await setTimeout(FIRST_LOOK_MS);
  delays.reset();
  const saveStartedMs = performance.now();
  for (const state of states) {
    saved.push(await encodeSnapshot(state.save()));
  }
  const saveMs = performance.now() - saveStartedMs;
  await setTimeout(FIRST_LOOK_MS);
  delays.disable();
  states.length = 0;

  const restoreStartedMs = performance.now();
  const restored: PartitionState[] = [];
  for (const bytes of saved) {
    restored.push(createPartitionState(defaultAggregatorOptions, parts, await decodeSnapshot(bytes)));
  }
  const result: StateLoadResult = {
    restoreMs: performance.now() - restoreStartedMs,
    saveMs,
    longestPauseMs: delays.max / 1e6,
    bytes: saved.reduce((sum, { length }) => sum + length, 0),
  };
  if (restored.some(({ position }) => position === undefined)) throw new Error('a state was not restored');
  process.send?.(result, () => process.disconnect());
});

/** Each visitor comes twice, within a quarter of an hour. */
function fill(partition: number, visitors: number): PartitionState {
  const state = createPartitionState(defaultAggregatorOptions, parts);
  let sequenceNumber = 0;
  for (let at = 0; at < 2 * visitors; at += PACK) {
    const pack = Array.from({ length: PACK }, (_, index) => pageView(partition, (at + index) % visitors, at + index));
    state.apply(pack, { sequenceNumber: sequenceNumber++, offset: String(at), enqueuedAtMs: START_MS + at });
    const changes = state.takeChanges();
    if (changes !== undefined) state.written(changes);
  }
  return state;
}

function pageView(partition: number, visitor: number, count: number) {
  const anonymousId = `visitor-${partition}-${visitor.toString(36).padStart(10, '0')}`;
  return {
    specversion: '1.0',
    id: `${partition}-${count}`,
    source: 'shop',
    type: 'page_view',
    time: new Date(START_MS + count).toISOString(),
    data: {
      anonymousId,
      page: { path: `/catalogue/item-${visitor % PACK}` },
      context: { device: DEVICES[visitor % DEVICES.length] },
    },
  };
}
