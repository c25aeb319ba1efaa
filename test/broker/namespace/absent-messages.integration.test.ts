import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EMPTY_QUEUE } from '../../../src/broker/entities/index.js';
import { parseIncoming } from '../../../src/broker/message/index.js';
import type { QueueConsumer, QueueDelivery, QueueRuntime } from '../../../src/broker/namespace/index.js';
import { createQueueRuntime } from '../../../src/broker/namespace/queue-runtime.js';
import { publishAll } from '../../../src/broker/namespace/staged.js';
import { openLevelStore, type Store } from '../../../src/broker/store/index.js';
import { messageKey } from '../../../src/broker/store/keys.js';
import { systemClock } from '../../../src/shared/clock.js';
import { queueSettings } from '../../helpers/broker.js';
import { decode, encode } from '../message/messages.js';

const QUEUE = 1;
const modes = ['peek-lock', 'receive-and-delete'] as const;

describe('a message that the queue knows and the database has lost', () => {
  let location: string;
  let store: Store;
  let errors: unknown[];
  let queue: QueueRuntime;

  async function open(requiresSession: boolean): Promise<void> {
    let tokens = 0;
    const newToken = () => (tokens++).toString(16).padStart(32, '0');
    const deps = { store, clock: systemClock, newToken, onError: (error: unknown) => void errors.push(error) };
    queue = createQueueRuntime(deps, { id: QUEUE, state: EMPTY_QUEUE, settings: () => queueSettings, requiresSession });
    store.onBatch((into) => queue.contribute(into));
    const staged = [1, 2, 3].map((body) => queue.stage(parseIncoming(encode({ body, group_id: 's' }))));
    await store.commit(staged.map(({ write }) => write));
    publishAll(staged);
  }

  function receiver(mode: QueueConsumer['mode']) {
    const got: QueueDelivery[] = [];
    let credit = 3;
    const consumer: QueueConsumer = {
      mode,
      wants: () => credit > 0,
      reserve: () => void credit--,
      cancel: () => void credit++,
      deliver: (delivery) => void got.push(delivery),
    };
    const bodies = () => got.map(({ payload }) => decode(payload)['body']);
    return { consumer, got, bodies, credit: () => credit };
  }

  beforeEach(async () => {
    location = await mkdtemp(join(tmpdir(), 'penstock-absent-'));
    store = await openLevelStore(location);
    errors = [];
  });
  afterEach(async () => {
    queue.stop();
    await store.close();
    await rm(location, { recursive: true, force: true });
  });

  /** Takes all messages and gives them back: from then on they are in the database alone. */
  async function outOfMemory(source: Pick<QueueRuntime, 'attach' | 'quiet' | 'abandon'>): Promise<void> {
    const first = receiver('peek-lock');
    const detach = source.attach(first.consumer);
    await source.quiet();
    detach();
    for (const { lockToken } of first.got) await source.abandon(lockToken);
    expect(first.bodies()).toEqual([1, 2, 3]);
  }

  it.each(modes)('is told to the log and let go of; the others go on (%s)', async (mode) => {
    await open(false);
    await outOfMemory(queue);
    await store.commit([{ key: messageKey(QUEUE, 2) }]);
    const second = receiver(mode);
    queue.attach(second.consumer);
    await queue.quiet();
    expect(second.bodies()).toEqual([1, 3]);
    // The place that was set aside for it is free for the next one.
    expect(second.credit()).toBe(1);
    expect(errors).toMatchObject([{ code: 'PS_BROKER_STORE_CORRUPT', message: expect.stringContaining('missing: 2') }]);
    expect(queue.facts()).toMatchObject({ count: mode === 'peek-lock' ? 2 : 0 });
    if (mode === 'receive-and-delete') return expect(queue.facts().bytes).toBe(0);
    for (const { lockToken } of second.got) expect(await queue.complete(lockToken)).toBe('done');
    expect(queue.facts()).toMatchObject({ count: 0, bytes: 0 });
  });

  it('is let go of in a session, which goes on', async () => {
    await open(true);
    const session = await queue.sessions?.accept('s', 'me');
    if (session === undefined) throw new Error('nobody has it');
    await outOfMemory(session);
    await store.commit([{ key: messageKey(QUEUE, 1) }]);
    const second = receiver('peek-lock');
    session.attach(second.consumer);
    await session.quiet();
    expect(second.bodies()).toEqual([2, 3]);
    expect(errors).toMatchObject([{ code: 'PS_BROKER_STORE_CORRUPT' }]);
    for (const { lockToken } of second.got) expect(await session.complete(lockToken)).toBe('done');
    expect(queue.facts()).toMatchObject({ count: 0, bytes: 0 });
  });
});
