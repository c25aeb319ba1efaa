import { beforeEach, describe, expect, it } from 'vitest';
import { parseIncoming } from '../../../src/broker/message/index.js';
import { createNamespacePort, type Namespace, openNamespace } from '../../../src/broker/namespace/index.js';
import { queue } from '../../helpers/broker.js';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js';
import { hubDeps } from '../log/hub-deps.js';
import { decode, encode } from '../message/messages.js';
import { createMemoryStore, type MemoryStore } from './memory-store.js';

const LOCK_MS = 60_000;
const message = (id: string) => parseIncoming(encode({ message_id: id, body: id }));

describe('a transaction over queues', () => {
  let store: MemoryStore;
  let clock: ManualClock;
  let namespace: Namespace;
  let tokens = 0;

  async function open(): Promise<void> {
    await store.close();
    const onError = (error: unknown) => {
      throw error;
    };
    const queues = [queue('from'), queue('to', { requiresDuplicateDetection: true })];
    const deps = { store, ...hubDeps(onError), clock, newToken: () => `token-${tokens++}`, onError };
    namespace = await openNamespace(deps, { queues, topics: [], hubs: [] });
  }
  beforeEach(async () => {
    store = createMemoryStore();
    clock = createManualClock();
    await open();
  });

  function entity(name: string) {
    const found = namespace.find(name);
    if (found?.kind !== 'queue') throw new Error(`${name} is no queue`);
    return found;
  }
  const ids = async (name: string) =>
    (await entity(name).queue.peek(0, 100)).map(({ payload }) => decode(payload)['message_id']);

  async function lock(id: string): Promise<string> {
    await entity('from').intake([message(id)]);
    return new Promise((resolve) => {
      let wanted = 1;
      const detach = entity('from').queue.attach({
        mode: 'peek-lock',
        wants: () => wanted > 0,
        reserve: () => void wanted--,
        cancel() {},
        deliver({ lockToken }) {
          resolve(lockToken);
          queueMicrotask(() => detach());
        },
      });
    });
  }
  const prepare = (token: string) => entity('from').queue.prepareSettlement(token, { kind: 'complete' });

  it('is in one commit of the store, and there or not there after a crash', async () => {
    const token = await lock('in');
    const transaction = namespace.beginTransaction();
    transaction.settle(prepare(token));
    transaction.put(entity('to'), [message('out')]);
    transaction.put(entity('to'), [message('out'), message('more')]);
    const commits: number[] = [];
    const { commit } = store;
    store.commit = (writes) => {
      commits.push(writes.length);
      return commit(writes);
    };
    expect(await transaction.commit()).toBe('committed');
    expect(commits).toHaveLength(1);
    await open();
    expect([await ids('from'), await ids('to')]).toEqual([[], ['out', 'more']]);

    const lost = namespace.beginTransaction();
    lost.settle(prepare(await lock('again')));
    lost.put(entity('to'), [message('never')]);
    store.hold();
    void lost.commit();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await ids('to')).toEqual(['out', 'more']);
    store.release();
  });

  it('does nothing at all when a lock has ended before the commit', async () => {
    const token = await lock('in');
    const transaction = namespace.beginTransaction();
    transaction.put(entity('to'), [message('out')]);
    transaction.settle(prepare(token));
    clock.advance(LOCK_MS + 1);
    expect(await transaction.commit()).toBe('lock-lost');
    expect([await ids('from'), await ids('to')]).toEqual([['in'], []]);
    // Also its message id was not remembered.
    await entity('to').intake([message('out')]);
    expect(await ids('to')).toEqual(['out']);
  });

  it('does nothing at all when one of its messages was settled elsewhere, or an entity has gone', async () => {
    const token = await lock('in');
    const second = namespace.beginTransaction();
    second.settle(prepare(token));
    second.put(entity('to'), [message('out')]);
    await entity('from').queue.complete(token);
    expect(await second.commit()).toBe('lock-lost');
    const third = namespace.beginTransaction();
    third.put(entity('from'), [message('kept out')]);
    third.put(entity('to'), [message('out')]);
    await createNamespacePort(namespace).deleteQueue('to');
    expect(await third.commit()).toBe('entity-gone');
    expect(await ids('from')).toEqual([]);
  });
});
