import { beforeEach, describe, expect, it } from 'vitest';
import { parseIncoming } from '../../../src/broker/message/index.js';
import {
  createNamespacePort,
  type Namespace,
  openNamespace,
  type QueueEntity,
  type TopicEntity,
} from '../../../src/broker/namespace/index.js';
import type { Topology } from '../../../src/broker/topology/index.js';
import { queue, subscription, topic } from '../../helpers/broker.js';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js';
import { hubDeps } from '../log/hub-deps.js';
import { encode } from '../message/messages.js';
import { createMemoryStore, type MemoryStore } from './memory-store.js';

const MINUTE_MS = 60_000;
const FIVE = { autoDeleteOnIdleMs: 5 * MINUTE_MS };

let store: MemoryStore;
let clock: ManualClock;
let namespace: Namespace;
beforeEach(() => {
  store = createMemoryStore();
  clock = createManualClock();
});

async function open(topology: Partial<Topology>): Promise<void> {
  await store.close();
  let tokens = 0;
  const onError = (error: unknown) => {
    throw error;
  };
  const given = { queues: [], topics: [], hubs: [], ...topology };
  const newToken = () => `token-${tokens++}`;
  namespace = await openNamespace({ store, ...hubDeps(onError), clock, newToken, onError }, given);
}

async function pass(minutes: number): Promise<void> {
  clock.advance(minutes * MINUTE_MS);
  await namespace.maintain();
}

const find = (name: string) => namespace.find(name) as QueueEntity | TopicEntity;
const send = (name: string, fields: Record<string, unknown> = {}) =>
  find(name).intake([parseIncoming(encode({ body: 'x', ...fields }))]);

describe('an entity with AutoDeleteOnIdle', () => {
  it('goes when nobody used it for so long, with all that is in it; one without stays', async () => {
    await open({ queues: [queue('temporary', FIVE), queue('kept')] });
    const { deletion } = find('temporary');
    await send('temporary');
    await pass(4.9);
    expect(namespace.find('temporary')).toBeDefined();
    await pass(0.2);
    expect(namespace.find('temporary')).toBeUndefined();
    expect(deletion.done).toBe(true);
    expect(namespace.find('kept')).toBeDefined();
    await open({});
    expect(namespace.find('temporary')).toBeUndefined();
  });

  it('stays while a link is there, is sent to, or is changed', async () => {
    await open({ queues: [queue('linked', FIVE), queue('sent', FIVE), queue('changed', FIVE)] });
    const leave = find('linked').usage.hold();
    await pass(4);
    await send('sent');
    await createNamespacePort(namespace).updateQueue(queue('changed', { ...FIVE, maxDeliveryCount: 3 }));
    await pass(4);
    expect(namespace.queues()).toHaveLength(3);
    leave();
    await pass(4);
    expect(namespace.queues().map(({ record }) => record.path)).toEqual(['linked']);
    await pass(2);
    expect(namespace.queues()).toHaveLength(0);
  });

  it('stays while messages are scheduled in it, and for its time after they were enqueued', async () => {
    await open({ queues: [queue('q', FIVE)] });
    const at = new Date(clock.now() + 10 * MINUTE_MS);
    await send('q', { message_annotations: { 'x-opt-scheduled-enqueue-time': at } });
    await pass(9);
    expect(namespace.find('q')).toBeDefined();
    clock.advance(MINUTE_MS);
    while (find('q').scheduler.facts().count > 0) await new Promise((resolve) => setImmediate(resolve));
    await pass(4);
    expect(namespace.find('q')).toBeDefined();
    await pass(2);
    expect(namespace.find('q')).toBeUndefined();
  });

  it('is a subscription that only gets messages and that nobody receives from', async () => {
    await open({ topics: [topic('t', { subscriptions: [subscription('s', FIVE), subscription('other')] })] });
    for (let minute = 0; minute < 6; minute++) {
      await send('t', { message_id: `m${minute}` });
      await pass(1);
    }
    expect(namespace.findSubscription('t', 's')).toBeUndefined();
    expect(namespace.findSubscription('t', 'other')?.queue.facts().count).toBe(6);
    await send('t', { message_id: 'after' });
    expect(namespace.findSubscription('t', 'other')?.queue.facts().count).toBe(7);
  });

  it('takes its subscriptions along when it is a topic; making one is use of it', async () => {
    await open({ topics: [topic('t', FIVE)] });
    await pass(4);
    await createNamespacePort(namespace).createSubscription('t', subscription('s'));
    const { deletion } = namespace.findSubscription('t', 's') ?? {};
    await pass(4);
    expect(namespace.find('t')).toBeDefined();
    await pass(2);
    expect(namespace.find('t')).toBeUndefined();
    expect(deletion?.done).toBe(true);
  });

  it('never goes while it forwards, and its destination is used by what is forwarded', async () => {
    await open({ queues: [queue('from', { ...FIVE, forwardTo: 'to' }), queue('to', FIVE)] });
    for (let minute = 0; minute < 6; minute++) {
      await send('from');
      await pass(1);
    }
    expect(namespace.find('to')).toBeDefined();
    await pass(6);
    expect(namespace.queues().map(({ record }) => record.path)).toEqual(['from']);
  });

  it('has its whole time again after a start: that the broker was off is not idleness', async () => {
    await open({ queues: [queue('q', FIVE)] });
    clock.advance(4 * MINUTE_MS);
    namespace.stop();
    clock.advance(60 * MINUTE_MS);
    await open({});
    await pass(4);
    expect(namespace.find('q')).toBeDefined();
    await pass(2);
    expect(namespace.find('q')).toBeUndefined();
  });
});

describe('when an entity was last accessed', () => {
  it('is known after a restart', async () => {
    await open({
      queues: [queue('q'), queue('untouched')],
      topics: [topic('t', { subscriptions: [subscription('s')] })],
    });
    const createdAtMs = clock.now();
    clock.advance(MINUTE_MS);
    await send('q');
    await send('t', { message_id: 'm' });
    const accessedAtMs = clock.now();
    clock.advance(MINUTE_MS);
    await open({});
    const port = createNamespacePort(namespace);
    expect(port.queue('q')?.runtime.accessedAtMs).toBe(accessedAtMs);
    expect(port.topic('t')?.runtime.accessedAtMs).toBe(accessedAtMs);
    expect(port.subscription('t', 's')?.runtime.accessedAtMs).toBe(accessedAtMs);
    expect(port.queue('untouched')?.runtime.accessedAtMs).toBe(createdAtMs);
  });
});
