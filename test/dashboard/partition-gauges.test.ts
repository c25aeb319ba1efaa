import { expect, test } from 'vitest';
import { partitionGauges } from '../../src/dashboard/partition-gauges.js';
import type { PartitionHealth } from '../../src/shared/partition-health.js';

test('what the reader of a partition tells of itself is a gauge; what it cannot tell is left out', async () => {
  const fresh: PartitionHealth = {
    ...{ sequenceNumber: 7, watermark: null, appliedAt: '2026-01-01T00:00:02.500Z', savedAt: null },
    ...{ offersWaiting: 0, offersGivenUp: 0, idsRememberedMs: null, stopped: null, unsaved: null },
  };
  const busy = {
    ...fresh,
    watermark: '2026-01-01T00:00:00.000Z',
    offersWaiting: 3,
    idsRememberedMs: 90_000,
    stopped: 'TypeError',
  };
  const text = await partitionGauges(
    new Map([
      ['0', fresh],
      ['11', busy],
    ]),
  );
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(samples).toEqual([
    'penstock_partition_sequence_number{partition="0"} 7',
    'penstock_partition_sequence_number{partition="11"} 7',
    'penstock_partition_watermark_timestamp_seconds{partition="11"} 1767225600',
    'penstock_partition_applied_timestamp_seconds{partition="0"} 1767225602.5',
    'penstock_partition_applied_timestamp_seconds{partition="11"} 1767225602.5',
    'penstock_partition_offers_waiting{partition="0"} 0',
    'penstock_partition_offers_waiting{partition="11"} 3',
    'penstock_partition_offers_given_up{partition="0"} 0',
    'penstock_partition_offers_given_up{partition="11"} 0',
    'penstock_partition_ids_remembered_seconds{partition="11"} 90',
    'penstock_partition_stopped{partition="0"} 0',
    'penstock_partition_stopped{partition="11"} 1',
  ]);
});
