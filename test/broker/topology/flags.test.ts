import { describe, expect, it } from 'vitest';
import { withEntityFlags } from '../../../src/broker/topology/index.js';

const nothing = { queues: [], topics: [], hubs: [] };
const read = (flags: Parameters<typeof withEntityFlags>[1]) => withEntityFlags(nothing, flags);

describe('entities from flags', () => {
  it('have the defaults of the service', () => {
    const { queues, topics, hubs } = read({
      queue: ['orders'],
      topic: ['events'],
      subscription: ['events/audit'],
      hub: ['clicks:2', 'views'],
    });
    expect(queues).toMatchObject([
      { name: 'orders', lockDurationMs: 60_000, maxDeliveryCount: 10, requiresDuplicateDetection: false },
    ]);
    expect(topics).toMatchObject([
      { name: 'events', subscriptions: [{ name: 'audit', rules: [{ name: '$Default', filter: { kind: 'true' } }] }] },
    ]);
    expect(hubs).toMatchObject([
      { name: 'clicks', partitionCount: 2, consumerGroups: [] },
      { name: 'views', partitionCount: 4 },
    ]);
  });

  it('take options', () => {
    const { queues, topics, hubs } = read({
      queue: [
        'a,lock=30s,deliveries=3,ttl=P1D,sessions,dead-letter-expired,dedup=10m,forward-dead-letters-to=b,size=2048',
        'b',
      ],
      topic: ['shop/events,dedup=13h,ttl=7d'],
      subscription: ["shop/events/se,lock=PT5M,filter=country IN ('SE', 'NO') AND a=1"],
      hub: ['clicks:8,retention=24h,groups=archive+live'],
    });
    expect(queues[0]).toMatchObject({
      lockDurationMs: 30_000,
      maxDeliveryCount: 3,
      maxSizeInMegabytes: 2048,
      defaultMessageTimeToLiveMs: 86_400_000,
      requiresSession: true,
      deadLetteringOnMessageExpiration: true,
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindowMs: 600_000,
      forwardDeadLetteredMessagesTo: 'b',
    });
    expect(topics[0]).toMatchObject({
      duplicateDetectionHistoryTimeWindowMs: 13 * 3_600_000,
      subscriptions: [
        { lockDurationMs: 300_000, rules: [{ filter: { expression: "country IN ('SE', 'NO') AND a=1" } }] },
      ],
    });
    expect(hubs[0]).toMatchObject({ retentionMs: 86_400_000, consumerGroups: ['archive', 'live'] });
  });

  it('come beside those of a file, whose topics they may subscribe to', () => {
    const base = read({ topic: ['events'], queue: ['a'] });
    const { topics, queues } = withEntityFlags(base, { subscription: ['Events/audit'], queue: ['b'] });
    expect(topics[0]?.subscriptions.map(({ name }) => name)).toEqual(['audit']);
    expect(queues.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it.each([
    [{ queue: ['orders,lock=soon'] }, '--queue orders,lock=soon: lock is a time'],
    [{ queue: ['orders,colour=red'] }, 'there is no option colour'],
    [{ queue: ['orders,lock'] }, 'lock needs a value'],
    [{ queue: ['orders,sessions=yes'] }, 'sessions takes no value'],
    [{ queue: ['orders,lock=5s,lock=6s'] }, 'lock is there twice'],
    [{ queue: ['orders,'] }, 'there is no option (empty)'],
    [{ queue: [''] }, 'the name is missing'],
    [{ queue: ['orders,lock=1h'] }, 'queue orders: lockDuration'],
    [{ queue: ['a', 'A'] }, 'there are two named A'],
    [{ topic: ['events,lock=5s'] }, 'there is no option lock'],
    [{ subscription: ['audit'] }, 'TOPIC/NAME'],
    [{ subscription: ['events/audit'] }, 'name it with --topic events'],
    [{ topic: ['e'], subscription: ['e/s,filter=a ='] }, 'topic e, subscription s, rule $Default'],
    [{ hub: ['clicks:many'] }, 'NAME or NAME:PARTITIONS'],
    [{ hub: ['clicks:0'] }, 'partitionCount'],
  ])('%j is refused, and what is wrong is named', (flags, message) => {
    expect(() => read(flags)).toThrow(message);
  });
});
