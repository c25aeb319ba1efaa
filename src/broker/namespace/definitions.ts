import type { Clock } from '../../shared/clock.js';
import { otherFormat, STORE_FORMAT } from '../store/format.js';
import { definitionKey, definitionRange, formatKey, idsKey } from '../store/keys.js';
import type { Store, Write } from '../store/types.js';
import { decodeRecord, type EntityRecord, encodeRecord } from './records.js';

const MAX_ENTITIES = 100_000;

interface Header {
  readonly format: number;
  readonly createdAtMs: number;
}

/** Of all entities, as they are in the store. */
export async function readDefinitions(store: Pick<Store, 'range'>): Promise<EntityRecord[]> {
  const rows = await store.range({ ...definitionRange(), limit: MAX_ENTITIES });
  return rows.map(({ value }) => decodeRecord<EntityRecord>(value));
}

/** The last of the numbers that were given to entities. */
export const readLastId = async (store: Pick<Store, 'get'>): Promise<number> =>
  (await store.get(idsKey()))?.readUInt32BE(0) ?? 0;

export function lastIdWrite(lastId: number): Write {
  const value = Buffer.allocUnsafe(4);
  value.writeUInt32BE(lastId, 0);
  return { key: idsKey(), value };
}

async function readHeader(store: Store, clock: Pick<Clock, 'now'>): Promise<Header> {
  const bytes = await store.get(formatKey());
  if (bytes === undefined) {
    const header: Header = { format: STORE_FORMAT, createdAtMs: clock.now() };
    await store.commit([{ key: formatKey(), value: encodeRecord(header) }]);
    return header;
  }
  const header = decodeRecord<Header>(bytes);
  if (header.format === STORE_FORMAT) return header;
  throw otherFormat(header.format);
}

const recordWrite = (record: EntityRecord): Write => ({ key: definitionKey(record.path), value: encodeRecord(record) });

export type Definitions = Awaited<ReturnType<typeof openDefinitions>>;

/**
 * What the store keeps of the entities themselves: their records, and the last of the numbers that they were given.
 * @throws BrokerError PS_BROKER_STORE_FORMAT for a store of another format.
 */
export async function openDefinitions(store: Store, clock: Pick<Clock, 'now'>) {
  const { createdAtMs } = await readHeader(store, clock);
  let lastId = await readLastId(store);

  const nextId = (): number => ++lastId;

  /** Writes a record with numbers that are new. */
  const add = (record: EntityRecord): Promise<void> => store.commit([lastIdWrite(lastId), recordWrite(record)]);

  return {
    createdAtMs,

    /** A number that no entity has had; not taken before a record with it is added. */
    nextId,

    /** The numbers under which a queue keeps its messages. */
    queueIds: () => ({ storeId: nextId(), deadLettersId: nextId(), transferDeadLettersId: nextId() }),

    async read(): Promise<EntityRecord[]> {
      const records = await readDefinitions(store);
      // Topics before their subscriptions.
      return records.sort((a, b) => Number(a.kind === 'subscription') - Number(b.kind === 'subscription'));
    },

    /** Stores that are older than transfer dead-letter queues have entities without one. */
    async withTransferDeadLetters<R extends EntityRecord>(record: R): Promise<R> {
      if (record.kind === 'hub' || record.kind === 'topic' || record.transferDeadLettersId !== undefined) return record;
      const completed = { ...record, transferDeadLettersId: nextId() };
      await add(completed);
      return completed;
    },

    add,

    /** Writes the record of an entity anew. */
    replace: (record: EntityRecord): Promise<void> => store.commit([recordWrite(record)]),
  };
}
