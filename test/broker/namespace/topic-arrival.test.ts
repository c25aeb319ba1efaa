import { describe, expect, it } from 'vitest';
import { compileFilter } from '../../../src/broker/filters/index.js';
import { parseIncoming } from '../../../src/broker/message/index.js';
import { arriveAtTopic } from '../../../src/broker/namespace/topic-arrival.js';
import { encode } from '../message/messages.js';

const NOW_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const arrival = { sequence: 7, nowMs: NOW_MS, timeToLiveMs: Number.POSITIVE_INFINITY };
const parse = (fields: Record<string, unknown> = {}) => parseIncoming(encode({ body: 'x', ...fields }));

describe('a message that arrives at a topic', () => {
  const matches = (expression: string, message = parse(), at: Partial<typeof arrival> = {}) =>
    compileFilter({
      kind: 'sql',
      expression,
      parameters: { '@now': new Date(NOW_MS), '@later': new Date(NOW_MS + HOUR_MS) },
    })(arriveAtTopic(message, { ...arrival, ...at }).filterable);

  it('shows filters the number, the times and the size that it has there', () => {
    const message = parse({ ttl: HOUR_MS, application_properties: { a: 1 } });
    for (const expression of [
      'sys.SequenceNumber = 7 AND sys.EnqueuedSequenceNumber = 7',
      'sys.EnqueuedTimeUtc = @now AND sys.ExpiresAtUtc = @later',
      'sys.DeliveryCount = 0',
      `sys.Size = ${message.raw.length}`,
      "sys.TimeToLive = '01:00:00'",
      'a = 1 AND EXISTS(sys.TimeToLive) AND sys.ScheduledEnqueueTimeUtc IS NULL',
    ]) {
      expect([expression, matches(expression, message)]).toEqual([expression, true]);
    }
    expect(matches('sys.EnqueuedTimeUtc > @now', message)).toBe(false);
  });

  it('keeps the number and the time of what was scheduled or forwarded', () => {
    const at = new Date(NOW_MS);
    const scheduled = parse({ message_annotations: { 'x-opt-scheduled-enqueue-time': at } });
    const message = { ...scheduled, enqueuedSequence: 3 };
    expect(matches('sys.EnqueuedSequenceNumber = 3 AND sys.SequenceNumber = 7', message)).toBe(true);
    expect(matches('sys.ScheduledEnqueueTimeUtc = @now', message)).toBe(true);
    expect(arriveAtTopic(message, arrival).enqueuedSequence).toBe(3);
  });

  it('lives no longer than the topic says', () => {
    expect(arriveAtTopic(parse(), { ...arrival, timeToLiveMs: HOUR_MS }).ttlMs).toBe(HOUR_MS);
    expect(arriveAtTopic(parse({ ttl: 5 }), { ...arrival, timeToLiveMs: HOUR_MS }).ttlMs).toBe(5);
    expect(matches('sys.ExpiresAtUtc = @later', parse(), { timeToLiveMs: HOUR_MS })).toBe(true);
    expect(matches("sys.TimeToLive = '2.01:00:00.5000000'", parse(), { timeToLiveMs: 49 * HOUR_MS + 500 })).toBe(true);
    expect(matches("sys.TimeToLive = '10675199.02:48:05.4775807' AND sys.ExpiresAtUtc > @later")).toBe(true);
  });
});
