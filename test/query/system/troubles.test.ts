import { describe, expect, it } from 'vitest';
import { metricTroubles, partitionTroubles, untoldPartitions } from '../../../src/query/system/troubles.js';

const NOW_MS = Date.UTC(2026, 10, 21, 12);
const partition = {
  partition: '2',
  lag: 9,
  stopped: null,
  unsaved: null,
  appliedAt: new Date(NOW_MS - 1_000).toISOString(),
};
const ago = (ms: number) => new Date(NOW_MS - ms).toISOString();

describe('a partition', () => {
  it('that is read is no trouble, nor is one of which there is nothing to read', () => {
    const quiet = { ...partition, lag: 0, appliedAt: ago(3_600_000) };
    const unknown = { ...quiet, lag: null };
    expect(partitionTroubles([partition, quiet, unknown], NOW_MS)).toEqual([]);
  });

  it('whose reader stops at an error is in trouble, and the error is named', () => {
    expect(partitionTroubles([{ ...partition, stopped: 'TypeError at funnel.js:3:7' }], NOW_MS)).toEqual([
      { name: 'Partition 2', state: 'bad', text: 'its reader stops at an error: TypeError at funnel.js:3:7' },
    ]);
  });

  it('that nobody reads for a minute while there are events in it is in trouble', () => {
    expect(partitionTroubles([{ ...partition, appliedAt: ago(59_000) }], NOW_MS)).toEqual([]);
    expect(partitionTroubles([{ ...partition, appliedAt: ago(125_000) }], NOW_MS)).toEqual([
      { name: 'Partition 2', state: 'bad', text: 'not read for 2 min: the log of the aggregators says why' },
    ]);
  });

  it('whose state is not saved is worth a look, also while it is read, and why is told', () => {
    const unsaved = 'blob clicks/0: no answer within 60 s';
    const text = `its state is not saved: ${unsaved}`;
    expect(partitionTroubles([{ ...partition, unsaved }], NOW_MS)).toEqual([
      { name: 'Partition 2', state: 'warn', text },
    ]);
    expect(partitionTroubles([{ ...partition, unsaved, appliedAt: ago(125_000) }], NOW_MS)).toHaveLength(2);
  });

  it('that has events, and of which no reader has told, is worth a look', () => {
    const newest = new Map([
      ['0', 4],
      ['1', 4],
      ['2', -1],
    ]);
    expect(untoldPartitions(newest, new Map([['0', partition]]))).toEqual([
      { name: 'Partition 1', state: 'warn', text: 'no reader has told of it yet' },
    ]);
  });
});

it('a metric whose code throws is worth a look, with how many events it left out', () => {
  const totals = {
    counted: 10,
    failed: 1,
    'failed:revenue': 3,
    'failed:funnel': 1,
    'failed:views': 0,
    'late:views': 2,
  };
  expect(metricTroubles(totals)).toEqual([
    { name: 'Metric revenue', state: 'warn', text: '3 events left out: its code throws' },
    { name: 'Metric funnel', state: 'warn', text: '1 event left out: its code throws' },
  ]);
});
