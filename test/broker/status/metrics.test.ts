import { expect, test } from 'vitest';
import { createMetrics } from '../../../src/broker/status/index.js';
import { brokerStatus, queueStatus } from './status.js';

const render = async (...queues: ReturnType<typeof queueStatus>[]) => {
  const metrics = createMetrics();
  const text = await metrics.render(brokerStatus({ queues }));
  metrics.stop();
  return text;
};

test('every queue has its counts by state, and what came in and went out', async () => {
  const text = await render(queueStatus('orders'));
  expect(text).toContain('penstock_broker_messages{entity="orders",state="scheduled"} 3');
  expect(text).toContain('penstock_broker_messages_in_total{entity="orders"} 1234');
  expect(text).toContain('penstock_broker_messages_out_total{entity="orders"} 1228');
  expect(text).toContain('penstock_broker_connections 3');
});

test('an entity that is gone is not shown any more', async () => {
  const metrics = createMetrics();
  await metrics.render(brokerStatus({ queues: [queueStatus('orders')] }));
  expect(await metrics.render(brokerStatus())).not.toContain('orders');
  metrics.stop();
});

test('however many entities there are, the series are bounded and their sum is true', async () => {
  const text = await render(...Array.from({ length: 1500 }, (_, index) => queueStatus(`q${index}`)));
  const series = text.split('\n').filter((line) => line.startsWith('penstock_broker_messages_in_total{'));
  expect(series).toHaveLength(501);
  expect(series.at(-1)).toBe(`penstock_broker_messages_in_total{entity="(others)"} ${1000 * 1234}`);
});

test('what one fsync took is in the histograms', async () => {
  const metrics = createMetrics();
  metrics.committed('events', { durationMs: 3, callers: 20, bytes: 5000 });
  const text = await metrics.render(brokerStatus());
  expect(text).toContain('penstock_broker_commit_seconds_bucket{le="0.0025",store="events"} 0');
  expect(text).toContain('penstock_broker_commit_seconds_bucket{le="0.005",store="events"} 1');
  expect(text).toContain('penstock_broker_commit_callers_sum{store="events"} 20');
  expect(text).toContain('penstock_broker_commit_bytes_sum{store="events"} 5000');
  metrics.stop();
});
