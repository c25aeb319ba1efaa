import { beforeEach, describe, expect, it } from 'vitest';
import { parseIncoming } from '../../../src/broker/message/index.js';
import {
  createNamespacePort,
  type Namespace,
  openNamespace,
  overQuota,
  type QueueEntity,
  type TopicEntity,
} from '../../../src/broker/namespace/index.js';
import type { Topology } from '../../../src/broker/topology/index.js';
import { queue, subscription, topic } from '../../helpers/broker.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { hubDeps } from '../log/hub-deps.js';
import { decode, encode } from '../message/messages.js';
import { createMemoryStore, type MemoryStore } from './memory-store.js';

const SMALL = { maxSizeInMegabytes: 1 };
const HALF_BYTES = 512 * 1024;

let store: MemoryStore;
let namespace: Namespace;
beforeEach(() => {
  store = createMemoryStore();
});

async function open(topology: Partial<Topology>): Promise<void> {
  await store.close();
  let tokens = 0;
  const onError = (error: unknown) => {
    throw error;
  };
  const given = { queues: [], topics: [], hubs: [], ...topology };
  const newToken = () => (tokens++).toString(16).padStart(32, '0');
  const clock = createManualClock();
  namespace = await openNamespace({ store, ...hubDeps(onError), clock, newToken, onError }, given);
}

const find = (name: string) => namespace.find(name) as QueueEntity | TopicEntity;
const send = (name: string, messageId: string, bytes: number) =>
  find(name).intake([parseIncoming(encode({ message_id: messageId, body: 'x'.repeat(bytes) }))]);
const queueOf = (name: string) => (find(name) as QueueEntity).queue;

describe('the size of an entity', () => {
  it('is reached by the message that goes beyond it, and that one is still taken', async () => {
    await open({ queues: [queue('q', SMALL)] });
    await send('q', 'a', HALF_BYTES);
    expect(overQuota(find('q'))).toBeUndefined();
    await send('q', 'b', HALF_BYTES);
    const { sizeBytes = 0 } = createNamespacePort(namespace).queue('q')?.runtime ?? {};
    expect(sizeBytes).toBeGreaterThan(1024 * 1024);
    expect(overQuota(find('q'))).toEqual({
      reason: 'QuotaExceeded',
      description:
        "The maximum entity size has been reached or exceeded for Queue: 'q'. " +
        `Size of entity in bytes:${sizeBytes}, Max entity size in bytes:1048576.`,
    });
  });

  it('is 1 GB where nothing is said, may be raised at run time, and counts on over a restart', async () => {
    await open({ queues: [queue('q', SMALL), queue('plain')] });
    await send('q', 'a', 2 * HALF_BYTES);
    await send('plain', 'a', 2 * HALF_BYTES);
    await open({});
    expect(overQuota(find('plain'))).toBeUndefined();
    expect(overQuota(find('q'))).toBeDefined();
    const port = createNamespacePort(namespace);
    const found = port.queue('q')?.definition as Parameters<typeof port.updateQueue>[0];
    expect(await port.updateQueue({ ...found, maxSizeInMegabytes: 2048 })).toMatchObject({ kind: 'updated' });
    expect(overQuota(find('q'))).toBeUndefined();
  });

  it('holds dead letters, deferred and scheduled messages too, and is free again as soon as one is gone', async () => {
    await open({ queues: [queue('q', SMALL)] });
    const got: string[] = [];
    queueOf('q').attach({
      mode: 'peek-lock',
      wants: () => true,
      reserve: () => {},
      cancel: () => {},
      deliver: ({ lockToken }) => void got.push(lockToken),
    });
    await send('q', 'a', HALF_BYTES);
    await send('q', 'b', 1000);
    await queueOf('q').quiet();
    expect(got).toHaveLength(2);
    await queueOf('q').deadLetter(got[0] as string, { reason: 'bad' });
    await queueOf('q').defer(got[1] as string);
    const later = { message_annotations: { 'x-opt-scheduled-enqueue-time': new Date(Date.UTC(2027, 0, 1)) } };
    const scheduled = parseIncoming(encode({ ...later, body: 'x'.repeat(HALF_BYTES) }));
    const [number = 0] = await find('q').schedule([scheduled]);
    expect(overQuota(find('q'))).toBeDefined();
    await find('q').scheduler.cancel([number]);
    expect(overQuota(find('q'))).toBeUndefined();
  });

  it('is for a topic that of all its subscriptions together', async () => {
    const subscriptions = [subscription('one'), subscription('two')];
    await open({ topics: [topic('t', { ...SMALL, subscriptions })] });
    await send('t', 'a', HALF_BYTES);
    expect(overQuota(find('t'))).toMatchObject({ description: expect.stringContaining("for Topic: 't'") });
  });

  it('sends what is forwarded to a full entity to the transfer dead-letter queue', async () => {
    const forwarding = queue('from', { forwardTo: 'to' });
    await open({ queues: [forwarding, queue('to', SMALL)] });
    await send('to', 'fills', 2 * HALF_BYTES);
    await send('from', 'kept', 1000);
    expect(queueOf('to').facts().count).toBe(1);
    const peeked = (await queueOf('from').transferDeadLetters?.peek(0, 10)) ?? [];
    expect(peeked.map(({ payload }) => decode(payload))).toMatchObject([
      { message_id: 'kept', application_properties: { DeadLetterReason: 'QuotaExceeded' } },
    ]);
  });
});
