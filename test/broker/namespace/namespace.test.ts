import { beforeEach, describe, expect, it } from 'vitest';
import { parseIncoming } from '../../../src/broker/message/index.js';
import {
  createHubsPort,
  createNamespacePort,
  type Namespace,
  openNamespace,
} from '../../../src/broker/namespace/index.js';
import type { Topology } from '../../../src/broker/topology/index.js';
import { hub, queueSettings, subscription, topic } from '../../helpers/broker.js';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js';
import { hubDeps } from '../log/hub-deps.js';
import { createMemoryDisk, type MemoryDisk } from '../log/memory-disk.js';
import { encode } from '../message/messages.js';
import { createMemoryStore, type MemoryStore } from './memory-store.js';

const topology: Topology = {
  queues: [],
  topics: [topic('events', { duplicateDetectionHistoryTimeWindowMs: 10_000, subscriptions: [subscription('audit')] })],
  hubs: [hub('clicks', { partitionCount: 2, retentionMs: 60_000, consumerGroups: ['readers'] })],
};

const message = (fields: Record<string, unknown>) => parseIncoming(encode(fields));

describe('the namespace', () => {
  let store: MemoryStore;
  let disk: MemoryDisk;
  let clock: ManualClock;
  let tokens = 0;

  beforeEach(() => {
    store = createMemoryStore();
    disk = createMemoryDisk();
    clock = createManualClock();
  });

  /** Opens what is in the store, as a start does; an earlier namespace is as good as killed. */
  async function open(given: Topology = topology, partitionMaxBytes = Number.POSITIVE_INFINITY): Promise<Namespace> {
    await store.close();
    const onError = (error: unknown) => {
      throw error;
    };
    const newToken = () => `token-${tokens++}`;
    return openNamespace({ store, ...hubDeps(onError, disk), partitionMaxBytes, clock, newToken, onError }, given);
  }

  const intakeOf = (namespace: Namespace, name: string) => {
    const entity = namespace.find(name);
    if (entity?.kind !== 'topic' && entity?.kind !== 'queue') throw new Error(`${name} takes no messages`);
    return entity.intake;
  };
  const count = (namespace: Namespace) => namespace.findSubscription('events', 'AUDIT')?.queue.facts().count;

  it('keeps messages, numbers and seen ids over a restart', async () => {
    const first = await open();
    await intakeOf(first, 'events')([message({ message_id: 'a', body: 1 }), message({ message_id: 'b', body: 2 })]);
    expect(count(first)).toBe(2);
    const second = await open();
    expect(count(second)).toBe(2);
    await intakeOf(second, 'events')([message({ message_id: 'a', body: 3 }), message({ message_id: 'c', body: 4 })]);
    expect(count(second)).toBe(3);
    const peeked = await second.findSubscription('events', 'audit')?.queue.peek(0, 10);
    expect(peeked?.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('takes sends in order while ids are looked up, and counts a repetition in the same send once', async () => {
    const first = await open();
    await intakeOf(first, 'events')([message({ message_id: 'a', body: 0 })]);
    const namespace = await open();
    const intake = intakeOf(namespace, 'events');
    await Promise.all([
      intake([message({ message_id: 'b', body: 1 }), message({ message_id: 'b', body: 1 })]),
      intake([message({ body: 'without an id' })]),
      intake([message({ message_id: 'a', body: 2 }), message({ message_id: 'c', body: 2 })]),
      intake([message({ message_id: 'b', body: 3 }), message({ message_id: 'd', body: 3 })]),
    ]);
    const peeked = await namespace.findSubscription('events', 'audit')?.queue.peek(0, 10);
    const ids = peeked?.map(({ payload }) => parseIncoming(payload).messageId);
    expect(ids).toEqual(['a', 'b', undefined, 'c', 'd']);
  });

  it('accepts a repetition only when the message that it repeats is durable', async () => {
    const intake = intakeOf(await open(), 'events');
    const done: string[] = [];
    store.hold();
    void intake([message({ message_id: 'a', body: 1 })]).then(() => done.push('first'));
    void intake([message({ message_id: 'a', body: 1 })]).then(() => done.push('again'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual([]);
    store.release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual(['first', 'again']);
  });

  it('forgets ids after their window and events after their retention', async () => {
    const namespace = await open();
    await intakeOf(namespace, 'events')([message({ message_id: 'a', body: 1 })]);
    const partition = namespace.findHub('clicks')?.runtime.partition('1');
    await partition?.append([message({ body: 'old' })]);
    const before = store.size;
    clock.advance(59_000);
    await partition?.append([message({ body: 'new' })]);
    await namespace.maintain();
    // Both rows of the id are gone, and the numbers of one partition were noted.
    expect(store.size).toBe(before - 2 + 1);
    clock.advance(2000);
    await namespace.maintain();
    expect(partition?.facts()).toMatchObject({ firstSequence: 1, lastSequence: 1, isEmpty: false });
    await intakeOf(namespace, 'events')([message({ message_id: 'a', body: 2 })]);
    expect(count(namespace)).toBe(2);
    const restarted = (await open()).findHub('clicks')?.runtime.partition('1');
    expect(restarted?.facts()).toMatchObject({ firstSequence: 1, lastSequence: 1 });
    expect(await restarted?.resolve({ kind: 'enqueued-time', timeMs: 0, inclusive: true })).toEqual({
      kind: 'at',
      sequence: 1,
    });
  });

  it('keeps events for as long as the retention says that is set while it runs', async () => {
    const namespace = await open();
    const hubs = createHubsPort(namespace);
    const partition = namespace.findHub('clicks')?.runtime.partition('1');
    const days = 24 * 3_600_000;
    expect(await hubs.updateHub({ name: 'clicks', retentionMs: 2 * days })).toMatchObject({ kind: 'updated' });
    await partition?.append([message({ body: 'old' })]);
    clock.advance(1.5 * days);
    await partition?.append([message({ body: 'new' })]);
    await namespace.maintain();
    expect(partition?.facts()).toMatchObject({ firstSequence: 0, lastSequence: 1 });
    await hubs.updateHub({ name: 'clicks', retentionMs: days });
    await namespace.maintain();
    expect(partition?.facts()).toMatchObject({ firstSequence: 1, lastSequence: 1 });
    const restarted = await open();
    expect(restarted.findHub('clicks')?.record.definition.retentionMs).toBe(days);
  });

  it('keeps of a partition no more than its bytes, the newest events, also after a restart', async () => {
    const maxBytes = 1024 * 1024;
    const namespace = await open(topology, maxBytes);
    const partition = namespace.findHub('clicks')?.runtime.partition('1');
    for (let body = 0; body < 8; body++) await partition?.append([message({ body: Buffer.alloc(300_000, body) })]);
    await namespace.maintain();
    const { firstSequence, lastSequence } = partition?.facts() ?? {};
    expect({ firstSequence, lastSequence }).toEqual({ firstSequence: 5, lastSequence: 7 });
    const kept = [...disk.files.values()].reduce((sum, { length }) => sum + length, 0);
    expect(kept).toBeLessThanOrEqual(maxBytes);
    const restarted = (await open(topology, maxBytes)).findHub('clicks')?.runtime.partition('1');
    expect(restarted?.facts()).toMatchObject({ firstSequence: 5, lastSequence: 7 });
  });

  it('reads on behind the retention where a slow reader had stopped', async () => {
    const first = (await open()).findHub('clicks')?.runtime.partition('0');
    for (const body of ['a', 'b', 'c']) await first?.append([message({ body })]);
    const namespace = await open();
    const partition = namespace.findHub('clicks')?.runtime.partition('0');
    await partition?.append([message({ body: 'd' })]);
    clock.advance(61_000);
    await partition?.append([message({ body: 'e' })]);
    await namespace.maintain();
    expect(partition?.facts().firstSequence).toBe(4);
    const events = await partition?.read(1, 10);
    expect(events?.map(({ sequence }) => sequence)).toEqual([4]);
  });

  it('takes messages of a topic whose time to live is longer than AMQP can say', async () => {
    const days = 24 * 3_600_000;
    const namespace = await open({
      ...topology,
      topics: [topic('events', { defaultMessageTimeToLiveMs: 90 * days, subscriptions: [subscription('audit')] })],
    });
    await intakeOf(namespace, 'events')([message({ message_id: 'a', body: 1 })]);
    expect(count(namespace)).toBe(1);
  });

  it('keeps what is made and changed at run time, until the topology says something new', async () => {
    const port = createNamespacePort(await open());
    const queue = {
      name: 'Orders',
      ...queueSettings,
      requiresDuplicateDetection: false,
      duplicateDetectionHistoryTimeWindowMs: 60_000,
    };
    expect(await port.createQueue(queue)).toMatchObject({ kind: 'created' });
    expect(await port.createQueue({ ...queue, name: 'ORDERS' })).toEqual({ kind: 'exists' });
    const rule = {
      name: 'r',
      filter: { kind: 'correlation', correlation: { properties: { n: 5n, at: new Date(7) } } },
    } as const;
    expect(await port.createRule('events', 'audit', rule)).toMatchObject({ kind: 'created' });
    expect(await port.deleteRule('events', 'audit', '$default')).toEqual({ kind: 'deleted' });
    expect(
      await port.createRule('events', 'audit', { name: 'x', filter: { kind: 'sql', expression: 'a =' } }),
    ).toMatchObject({
      kind: 'invalid',
    });

    const reopened = createNamespacePort(await open());
    expect(reopened.queue('orders')?.definition).toEqual(queue);
    expect(reopened.rules('events', 'audit')?.map(({ definition }) => definition)).toEqual([rule]);

    const changed = {
      ...topology,
      topics: [
        topic('events', { subscriptions: [subscription('audit', { maxDeliveryCount: 2 }), subscription('more')] }),
      ],
    };
    const applied = createNamespacePort(await open(changed));
    expect(applied.subscription('events', 'audit')?.definition).toMatchObject({
      maxDeliveryCount: 2,
      rules: [{ name: '$Default' }],
    });
    expect(applied.subscriptions('events')).toHaveLength(2);
    expect(applied.queue('orders')).toBeDefined();
  });

  it('starts with what was deleted and made anew at run time, as it was made, until the topology says something new', async () => {
    const duplicates = { requiresDuplicateDetection: false, duplicateDetectionHistoryTimeWindowMs: 60_000 };
    const orders = { name: 'orders', ...queueSettings, ...duplicates };
    const given = { ...topology, queues: [orders] };
    const namespace = await open(given);
    const port = createNamespacePort(namespace);
    const hubs = createHubsPort(namespace);
    await port.deleteQueue('orders');
    await port.createQueue({ ...orders, requiresSession: true });
    await port.deleteTopic('events');
    await port.createTopic(topic('events', { duplicateDetectionHistoryTimeWindowMs: 20_000 }));
    await port.createSubscription('events', subscription('audit', { maxDeliveryCount: 3 }));
    await hubs.deleteHub('clicks');
    await hubs.createHub({ name: 'clicks', partitionCount: 3, retentionMs: 3_600_000 });

    for (let start = 0; start < 2; start++) {
      const reopened = await open(given);
      const seen = createNamespacePort(reopened);
      expect(seen.queue('orders')?.definition.requiresSession).toBe(true);
      expect(seen.topic('events')?.definition.duplicateDetectionHistoryTimeWindowMs).toBe(20_000);
      expect(seen.subscription('events', 'audit')?.definition.maxDeliveryCount).toBe(3);
      const clicks = reopened.findHub('clicks');
      expect(clicks?.runtime.partitions).toHaveLength(3);
      expect(clicks?.record.definition).toMatchObject({ retentionMs: 3_600_000, consumerGroups: ['readers'] });
    }
    const changed = {
      ...given,
      queues: [{ ...orders, requiresSession: true, maxDeliveryCount: 7 }],
      hubs: [hub('clicks', { partitionCount: 3, retentionMs: 7_200_000, consumerGroups: ['readers'] })],
    };
    const applied = await open(changed);
    expect(createNamespacePort(applied).queue('orders')?.definition.maxDeliveryCount).toBe(7);
    expect(applied.findHub('clicks')?.record.definition.retentionMs).toBe(7_200_000);
  });

  it('removes an entity with everything that is in it', async () => {
    const namespace = await open();
    const before = store.size;
    const port = createNamespacePort(namespace);
    await port.createTopic(topic('temporary'));
    await port.createSubscription('temporary', subscription('s'));
    await intakeOf(namespace, 'temporary')([message({ message_id: 'a', body: 1 })]);
    expect(port.subscription('temporary', 's')?.runtime.activeMessageCount).toBe(1);
    const deletion = namespace.findSubscription('temporary', 's')?.deletion;
    expect(await port.deleteTopic('temporary')).toEqual({ kind: 'deleted' });
    expect(deletion?.done).toBe(true);
    expect(await port.deleteTopic('temporary')).toEqual({ kind: 'not-found' });
    expect(store.size).toBe(before);
    expect((await open()).find('temporary')).toBeUndefined();
  });

  it('refuses a topology that contradicts what is stored', async () => {
    await open();
    const fewer = { ...topology, hubs: [hub('clicks', { partitionCount: 1 })] };
    await expect(open(fewer)).rejects.toMatchObject({ code: 'PS_BROKER_TOPOLOGY' });
    const other = { ...topology, topics: [], hubs: [hub('events')] };
    await expect(open(other)).rejects.toMatchObject({ code: 'PS_BROKER_TOPOLOGY' });
  });
});
