import type { Clock } from '../../shared/clock.js';
import { partitionForKey } from '../../shared/partition-hash.js';
import { type LogState, offsetOf, type Position } from '../entities/index.js';
import type { EventLog, LogEvent } from '../log/index.js';
import { eventBytes, type IncomingMessage, writeEvent } from '../message/index.js';

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
  /**
   * Appends events; resolves when they are durable. All of them are kept or none. A note is state of the partition that is
   * durable if and only if the events are; it replaces the one before.
   */
  append(messages: readonly IncomingMessage[], note?: Buffer): Promise<void>;
  /** The newest note that is durable. */
  note(): Buffer | undefined;
  resolve(position: Position): Promise<Start>;
  /** The next events from a sequence number on; at once when they are in memory. */
  read(sequence: number, limit: number): readonly LogEvent[] | Promise<readonly LogEvent[]>;
  /** Calls `listener` whenever there are new events. */
  subscribe(listener: () => void): () => void;
  facts(): PartitionFacts;
  /** What is durable, if that has changed since it was last asked for. */
  changedState(): { readonly id: number; readonly state: LogState } | undefined;
  /** Forgets events that are older than the retention, or more than it allows. */
  retain(): Promise<void>;
}

interface Deps {
  readonly clock: Clock;
  readonly log: EventLog;
}

export interface PartitionOptions {
  readonly id: number;
  readonly partitionId: string;
  /** What the store has of it. */
  readonly noted: LogState;
  readonly retentionMs: () => number;
  readonly maxBytes: () => number;
}

export function createPartitionRuntime({ clock, log }: Deps, options: PartitionOptions): PartitionRuntime {
  const { id, partitionId, retentionMs, maxBytes } = options;
  const { numbers } = log;
  const listeners = new Set<() => void>();
  let { noted } = options;

  const notify = () => {
    for (const listener of listeners) listener();
  };

  return {
    partitionId,

    append(messages, note) {
      if (messages.length === 0 && note === undefined) return Promise.resolve();
      const { sequence: first, enqueuedAtMs } = numbers.stamp(clock.now());
      const fieldsOf = (index: number) => {
        const sequence = first + index;
        return { sequence, offset: offsetOf(sequence), enqueuedAtMs };
      };
      const sizes = messages.map((message, index) => eventBytes(message, offsetOf(first + index)));
      const write = (into: Buffer, at: number, index: number) =>
        writeEvent(into, at, messages[index] as IncomingMessage, fieldsOf(index));
      // Nothing that waits for the disk may hold the messages: they are views of what the socket brought.
      return log.append({ enqueuedAtMs, sizes, write, note }).then(notify);
    },

    note: log.note,

    async resolve(position) {
      const resolved = numbers.resolve(position);
      if (resolved.kind !== 'search') return resolved;
      return { kind: 'at', sequence: await log.findTime(resolved.fromMs) };
    },

    read: log.read,

    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    facts: numbers.facts,

    changedState() {
      const state = numbers.state();
      if (noted.nextSequence === state.nextSequence && noted.firstSequence === state.firstSequence) return undefined;
      noted = state;
      return { id, state };
    },

    retain: () => log.retain({ oldestMs: clock.now() - retentionMs(), maxBytes: maxBytes() }),
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
