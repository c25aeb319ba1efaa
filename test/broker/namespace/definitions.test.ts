import { beforeEach, describe, expect, it } from 'vitest';
import { openDefinitions } from '../../../src/broker/namespace/definitions.js';
import type { EntityRecord } from '../../../src/broker/namespace/records.js';
import { formatKey } from '../../../src/broker/store/keys.js';
import { queue, subscription, topic } from '../../helpers/broker.js';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js';
import { createMemoryStore, type MemoryStore } from './memory-store.js';

const times = { createdAtMs: 0, updatedAtMs: 0 };

describe('the definitions in the store', () => {
  let store: MemoryStore;
  let clock: ManualClock;

  beforeEach(() => {
    store = createMemoryStore();
    clock = createManualClock();
  });
  const open = () => openDefinitions(store, clock);

  async function addTopic(name: string) {
    const definitions = await open();
    const { subscriptions: _, ...definition } = topic(name);
    const record: EntityRecord = { kind: 'topic', path: name, definition, historyId: definitions.nextId(), ...times };
    await definitions.add(record);
    return record;
  }

  it('give no number of an added record again after a restart', async () => {
    const { historyId } = await addTopic('events');
    const { storeId, deadLettersId, transferDeadLettersId } = (await open()).queueIds();
    expect([historyId, storeId, deadLettersId, transferDeadLettersId]).toEqual([1, 2, 3, 4]);
  });

  it('keep when the namespace was made', async () => {
    const { createdAtMs } = await open();
    await clock.advance(60_000);
    expect((await open()).createdAtMs).toBe(createdAtMs);
  });

  it('are read with topics before their subscriptions', async () => {
    const definitions = await open();
    const path = 'a-topic/Subscriptions/audit';
    const ofSubscription = { path, topic: 'z-topic', definition: subscription('audit'), ruleCreatedAtMs: {} };
    await definitions.add({ kind: 'subscription', ...ofSubscription, ...definitions.queueIds(), ...times });
    await addTopic('z-topic');
    expect((await definitions.read()).map(({ kind }) => kind)).toEqual(['topic', 'subscription']);
  });

  it('give a queue of an older store its missing dead-letter queue once', async () => {
    const definitions = await open();
    const ids = { storeId: definitions.nextId(), deadLettersId: definitions.nextId(), historyId: definitions.nextId() };
    const definition = queue('orders');
    const older = { kind: 'queue', path: 'orders', definition, ...ids, ...times } as unknown as EntityRecord;
    await definitions.add(older);
    const completed = await definitions.withTransferDeadLetters(older);
    expect(completed).toEqual({ ...older, transferDeadLettersId: 4 });
    const [reread] = await (await open()).read();
    expect(reread).toEqual(completed);
    expect(await definitions.withTransferDeadLetters(completed)).toBe(completed);
  });

  it('refuse a store of another format', async () => {
    await store.commit([{ key: formatKey(), value: Buffer.from('{"format":1}') }]);
    await expect(open()).rejects.toMatchObject({ code: 'PS_BROKER_STORE_FORMAT' });
  });
});
