import { roleNodeFlags } from '../../src/local/index.js';
import type { StateLoadOptions, StateLoadResult } from '../lib/aggregator-state.js';
import { runEntry } from '../lib/load.js';
import type { Bench } from '../lib/report.js';

/** As many as a partition keeps apart, four times. */
const SIZE: StateLoadOptions = { partitions: 4, visitors: 250_000 };
const RESTORE_AIM_MS = 5000;
const PAUSE_AIM_MS = 100;

/** What an aggregator's state of a million visitors costs to save and to restore. */
export const state: Bench = async ({ report, note }) => {
  note('the state of a million visitors');
  const result = (await runEntry('aggregator-state', SIZE, roleNodeFlags('aggregate'))) as StateLoadResult;
  const { restoreMs, saveMs, longestPauseMs, bytes } = result;
  const megabytes = `${Math.round(bytes / 1024 ** 2)} MB`;
  report({
    row: `aggregator, restore of 1,000,000 visitors in 4 partitions (${megabytes})`,
    value: restoreMs,
    unit: 'ms',
    aim: { text: '< 5 s', met: restoreMs < RESTORE_AIM_MS },
  });
  report({
    row: `aggregator, longest pause while they are saved (${Math.round(saveMs / SIZE.partitions)} ms a partition)`,
    value: longestPauseMs,
    unit: 'ms',
    aim: { text: '< 100 ms', met: longestPauseMs < PAUSE_AIM_MS },
  });
};
