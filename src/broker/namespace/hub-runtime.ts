import type { Clock } from '../../shared/clock.js';
import { partitionForKey } from '../../shared/partition-hash.js';
import { createPartitionLog, type LogEvent, type LogState, offsetOf, type Position } from '../entities/index.js';
import { encodeEvent, eventEnqueuedAtMs, type IncomingMessage } from '../message/index.js';
import { eventKey, sequenceOfKey } from '../store/keys.js';
import type { Store, Write } from '../store/types.js';

interface PartitionFacts {
  readonly firstSequence: number;
  /** -1 when there never was an event. */
  readonly lastSequence: number;
  readonly lastOffset: string;
  readonly lastEnqueuedAtMs: number;
  readonly isEmpty: boolean;
}

type Start =
  | { readonly kind: 'at'; readonly sequence: number }
  | { readonly kind: 'beyond-end'; readonly lastSequence: number };

export interface PartitionRuntime {
  readonly partitionId: string;
  /** Appends events; resolves when they are durable. */
  append(messages: readonly IncomingMessage[]): Promise<void>;
  resolve(position: Position): Promise<Start>;
  /** The next events from a sequence number on; at once when they are in memory. */
  read(sequence: number, limit: number): readonly LogEvent[] | Promise<readonly LogEvent[]>;
  /** Calls `listener` whenever there are new events. */
  subscribe(listener: () => void): () => void;
  facts(): PartitionFacts;
  changedState(): { readonly id: number; readonly state: LogState } | undefined;
  /** Forgets events that are older than the retention. */
  retain(): Promise<void>;
}

interface Deps {
  readonly store: Store;
  readonly clock: Clock;
}

export interface PartitionOptions {
  readonly id: number;
  readonly partitionId: string;
  readonly state: LogState;
  readonly retentionMs: () => number;
}

const READ_BYTES = 4 * 1024 * 1024;
const RETAIN_AT_ONCE = 64;

export function createPartitionRuntime({ store, clock }: Deps, options: PartitionOptions): PartitionRuntime {
  const { id, partitionId, retentionMs } = options;
  const log = createPartitionLog(id, options.state);
  const listeners = new Set<() => void>();

  /** The first event of at least `fromMs` in `[low, high)`, by halving: times do not go back within a partition. */
  async function search(fromMs: number, low: number, high: number): Promise<number> {
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const record = await store.get(eventKey(id, middle));
      if (record !== undefined && eventEnqueuedAtMs(record) >= fromMs) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  async function readStored(sequence: number, limit: number): Promise<readonly LogEvent[]> {
    const entries = await store.range({
      from: eventKey(id, sequence),
      to: eventKey(id, log.storedUpTo()),
      limit,
      maxBytes: READ_BYTES,
    });
    return entries.map(({ key, value }) => ({ sequence: sequenceOfKey(key), record: value }));
  }

  return {
    partitionId,

    append(messages) {
      const nowMs = clock.now();
      const writes: Write[] = [];
      const appended: { event: LogEvent; enqueuedAtMs: number }[] = [];
      for (const message of messages) {
        const { sequence, enqueuedAtMs } = log.stamp(nowMs);
        const record = encodeEvent(message, { sequence, offset: offsetOf(sequence), enqueuedAtMs });
        writes.push(log.append(record, enqueuedAtMs));
        appended.push({ event: { sequence, record }, enqueuedAtMs });
      }
      return store.commit(writes).then(() => {
        for (const { event, enqueuedAtMs } of appended) log.publish(event, enqueuedAtMs);
        for (const listener of listeners) listener();
      });
    },

    async resolve(position) {
      const resolved = log.resolve(position);
      if (resolved.kind !== 'search') return resolved;
      return { kind: 'at', sequence: await search(resolved.fromMs, resolved.low, resolved.high) };
    },

    read(sequence, limit) {
      // What the retention took is passed over: memory may hold all that is left.
      const from = Math.max(sequence, log.facts().firstSequence);
      return log.readRecent(from, limit) ?? readStored(from, limit);
    },

    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    facts: log.facts,

    changedState() {
      const state = log.changedState();
      return state && { id, state };
    },

    async retain() {
      const oldestMs = clock.now() - retentionMs();
      for (;;) {
        const { firstSequence, isEmpty } = log.facts();
        if (isEmpty) return;
        const range = { from: eventKey(id, firstSequence), to: eventKey(id, firstSequence + RETAIN_AT_ONCE) };
        const oldest = await store.range({ ...range, limit: RETAIN_AT_ONCE, maxBytes: READ_BYTES });
        const kept = oldest.find(({ value }) => eventEnqueuedAtMs(value) >= oldestMs);
        const end = kept ? sequenceOfKey(kept.key) : sequenceOfKey((oldest.at(-1) ?? { key: range.to }).key) + 1;
        const writes = log.truncate(end);
        if (writes.length === 0) return;
        await store.commit(writes);
        if (kept) return;
      }
    },
  };
}

export interface HubRuntime {
  readonly partitions: readonly PartitionRuntime[];
  partition(partitionId: string): PartitionRuntime | undefined;
  /** The partition of a key by the service's hash; without a key the partitions take turns. */
  choose(partitionKey: string | undefined): PartitionRuntime;
}

export function createHubRuntime(partitions: readonly PartitionRuntime[]): HubRuntime {
  let turn = 0;
  return {
    partitions,
    partition: (partitionId) =>
      /^(?:0|[1-9]\d{0,4})$/.test(partitionId) ? partitions[Number(partitionId)] : undefined,
    choose(partitionKey) {
      const index = partitionKey === undefined ? turn++ : partitionForKey(partitionKey, partitions.length);
      return partitions[index % partitions.length] as PartitionRuntime;
    },
  };
}
