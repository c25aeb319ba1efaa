import type { BrokerStatus, QueueStatus } from '../../../src/broker/status/index.js';

export const queueStatus = (name: string, overrides: Partial<QueueStatus> = {}): QueueStatus => ({
  name,
  status: 'Active',
  counts: { active: 1, deferred: 2, scheduled: 3, deadLetter: 0, transfer: 0, transferDeadLetter: 0 },
  sizeBytes: 2048,
  messagesIn: 1234,
  messagesOut: 1228,
  requiresSession: false,
  ...overrides,
});

/** A broker with nothing in it, but for what is given. */
export const brokerStatus = (overrides: Partial<BrokerStatus> = {}): BrokerStatus => ({
  asOf: '2026-01-02T03:04:05.678Z',
  startedAt: '2026-01-01T00:00:00.000Z',
  connections: 3,
  links: 7,
  pendingBytes: 0,
  memoryBytes: 64 * 1024 * 1024,
  isDiskLow: false,
  queues: [],
  topics: [],
  hubs: [],
  ...overrides,
});
