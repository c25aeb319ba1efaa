import { beforeEach, describe, expect, it } from 'vitest';
import { readDefinitions } from '../../../src/broker/namespace/definitions.js';
import { createErasure } from '../../../src/broker/namespace/erasure.js';
import { type EntityRecord, encodeRecord } from '../../../src/broker/namespace/records.js';
import { definitionKey, logStateKey, messageKey } from '../../../src/broker/store/keys.js';
import { hub, topic } from '../../helpers/broker.js';
import { createMemoryStore, type MemoryStore } from './memory-store.js';

const times = { createdAtMs: 0, updatedAtMs: 0 };
const clicks: EntityRecord = { kind: 'hub', path: 'clicks', definition: hub('clicks'), logIds: [1, 2], ...times };
const { subscriptions: _, ...definition } = topic('events');
const events: EntityRecord = { kind: 'topic', path: 'events', definition, historyId: 3, ...times };

describe('the erasure of entities', () => {
  let store: MemoryStore;
  let files: Set<number>;

  beforeEach(async () => {
    store = createMemoryStore();
    files = new Set([1, 2]);
    const value = Buffer.alloc(1);
    await store.commit([
      ...[clicks, events].map((record) => ({ key: definitionKey(record.path), value: encodeRecord(record) })),
      ...[1, 2].map((id) => ({ key: logStateKey(id), value })),
      { key: messageKey(3, 1), value },
    ]);
  });

  /** @param fails a log whose files cannot be removed */
  const start = (fails?: number) =>
    createErasure({
      store,
      logs: {
        async remove(id) {
          if (id === fails) throw new Error('the disk is away');
          files.delete(id);
        },
      },
    });

  it('makes what is announced unknown to the next start, and what is erased leave nothing', async () => {
    const erasure = start();
    await erasure.announce([clicks, events]);
    expect(await readDefinitions(store)).toEqual([]);
    expect([...files]).toEqual([1, 2]);
    for (const record of [clicks, events]) await erasure.erase(record);
    expect([...files]).toEqual([]);
    expect(store.size).toBe(0);
  });

  it.each([
    ['before the first file', undefined],
    ['between two files', 2],
  ])('goes on with the next start when it was ended %s', async (_when, fails) => {
    const erasure = start(fails);
    await erasure.announce([clicks]);
    if (fails !== undefined) await expect(erasure.erase(clicks)).rejects.toThrow('the disk is away');
    await start().resume();
    expect([...files]).toEqual([]);
    expect(await store.get(logStateKey(2))).toBeUndefined();
    // A second one finds nothing to do.
    await start(1).resume();
    await start(2).resume();
  });
});
