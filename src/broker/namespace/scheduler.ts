import type { Clock } from '../../shared/clock.js';
import { createSchedule, type Scheduled, type ScheduleState } from '../entities/index.js';
import {
  encodeDelivery,
  encodeStored,
  type IncomingMessage,
  parseIncoming,
  storedFields,
  storedSessionId,
} from '../message/index.js';
import { scheduledDueKey, scheduledDueOf, scheduledKey, scheduledSequenceOf, scheduleStateKey } from '../store/keys.js';
import type { Entry, Store, Write } from '../store/types.js';
import { createAlarm } from './alarm.js';
import type { Intake } from './intake.js';
import { publishAll, type Staged } from './staged.js';
import { encodeScheduleState } from './states.js';

export interface SchedulerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

export interface SchedulerOptions {
  readonly id: number;
  readonly state: ScheduleState;
  /** Of a topic: when it was last used. */
  readonly accessedAtMs?: () => number;
  /** Whether messages are to be found by their session. */
  readonly bySession?: boolean;
  /** The sequence number of a message that is scheduled; by default one of the scheduler's own. */
  readonly nextNumber?: () => number;
  /** Enqueues a message whose time has come. */
  readonly enqueue: (message: IncomingMessage) => readonly Staged[];
}

/** The messages of a queue or topic that are to be enqueued later. */
export interface Scheduler {
  isFuture(message: IncomingMessage): boolean;
  /** Puts a message that is for later; `write` has to be committed in the same step, and `publish` called after it. */
  stage(message: IncomingMessage): Staged;
  /** The sequence number under which a message was staged. */
  numberOf(message: IncomingMessage): number | undefined;
  nextNumber(): number;
  /** Takes messages back, all of them; false when one is not there any more. */
  cancel(sequences: readonly number[]): Promise<boolean>;
  facts(): Pick<ScheduleState, 'count' | 'bytes'>;
  contribute(into: Write[]): void;
  /** Enqueues what has fallen due meanwhile; called once everything that it goes to is there. */
  start(): void;
  stop(): void;
}

const AT_ONCE = 256;
const AT_ONCE_BYTES = 4 * 1024 * 1024;
const NEVER = Number.POSITIVE_INFINITY;
const LAST_MOMENT_MS = 253_402_300_799_999;

export function createScheduler(deps: SchedulerDeps, options: SchedulerOptions): Scheduler {
  const { store, clock, onError } = deps;
  const { id, enqueue } = options;
  const schedule = createSchedule(id, options.state);
  const nextNumber = options.nextNumber ?? schedule.nextNumber;
  const numbers = new WeakMap<IncomingMessage, number>();
  let dueAtMs = NEVER;
  let running = false;
  let stopped = false;
  const alarm = createAlarm(clock, onAlarm);

  function wake(atMs: number): void {
    dueAtMs = Math.min(dueAtMs, atMs);
    if (!running) alarm.set(dueAtMs);
  }

  function onAlarm(): void {
    if (dueAtMs > clock.now()) {
      wake(dueAtMs);
      return;
    }
    running = true;
    run()
      .catch(onError)
      .finally(() => {
        running = false;
        wake(dueAtMs);
      });
  }

  /** Enqueues everything that is due, and finds out when the next message is. */
  async function run(): Promise<void> {
    while (!stopped) {
      dueAtMs = NEVER;
      const nowMs = clock.now();
      const range = { from: scheduledDueKey(id, 0, 0), to: scheduledDueKey(id, nowMs + 1, 0) };
      const rows = await store.range({ ...range, limit: AT_ONCE });
      const due = rows.map(scheduledOf).filter(({ sequence }) => schedule.claim(sequence));
      for (const chunk of chunks(due)) await enqueueAll(chunk);
      if (due.length > 0) continue;
      // What is due and still in the index is being cancelled; if that fails it will wake us again.
      const [next] = await store.range({ from: range.to, to: scheduledDueKey(id, NEVER_KEY, 0), limit: 1 });
      if (next) dueAtMs = Math.min(dueAtMs, scheduledOf(next).dueAtMs);
      return;
    }
  }

  async function enqueueAll(due: readonly Scheduled[]): Promise<void> {
    const records = await store.getMany(due.map(({ sequence }) => scheduledKey(id, sequence)));
    const writes: Write[] = [];
    const staged: Staged[] = [];
    for (const [index, one] of due.entries()) {
      const record = records[index];
      writes.push(...schedule.remove({ ...one, sessionId: sessionOf(record) }));
      if (record !== undefined) staged.push(...enqueue(messageOf(record, one.sequence)));
    }
    for (const { write } of staged) writes.push(write);
    await store.commit(writes);
    publishAll(staged);
    for (const { sequence } of due) schedule.letGo(sequence);
  }

  const sessionOf = (record: Buffer | undefined): string | undefined =>
    options.bySession && record !== undefined ? storedSessionId(record) : undefined;

  return {
    isFuture: ({ scheduledEnqueueTimeMs }) =>
      scheduledEnqueueTimeMs !== undefined && scheduledEnqueueTimeMs > clock.now(),

    stage(message) {
      const sequence = nextNumber();
      numbers.set(message, sequence);
      const atMs = Math.min(message.scheduledEnqueueTimeMs ?? 0, LAST_MOMENT_MS);
      const fields = { enqueuedAtMs: atMs, expiresAtMs: atMs + (message.ttlMs ?? NEVER), enqueuedSequence: sequence };
      const record = encodeStored(message, fields);
      const place = { sequence, dueAtMs: atMs, sessionId: sessionOf(record) };
      return { write: schedule.put(place, record), publish: () => wake(atMs) };
    },

    numberOf: (message) => numbers.get(message),
    nextNumber,

    async cancel(sequences) {
      const claimed = [...new Set(sequences)].filter(schedule.claim);
      const records = await store.getMany(claimed.map((sequence) => scheduledKey(id, sequence)));
      const found = claimed.flatMap((sequence, index): Scheduled[] => {
        const record = records[index];
        if (record === undefined) return [];
        const { enqueuedAtMs: dueAtMs } = storedFields(record);
        return [{ sequence, dueAtMs, sizeBytes: record.length, sessionId: sessionOf(record) }];
      });
      const all = found.length === sequences.length;
      if (all) await store.commit(found.flatMap(schedule.remove));
      for (const sequence of claimed) schedule.letGo(sequence);
      if (!all) for (const one of found) wake(one.dueAtMs);
      return all;
    },

    facts: schedule.state,

    contribute(into) {
      for (const write of schedule.takeExtras()) into.push(write);
      const changed = schedule.changedState();
      if (changed)
        into.push({ key: scheduleStateKey(id), value: encodeScheduleState(changed, options.accessedAtMs?.()) });
    },

    start() {
      if (schedule.state().count > 0) wake(0);
    },

    stop() {
      stopped = true;
      alarm.stop();
    },
  };
}

/** Takes messages for later; answers the sequence number of each once they are durable. */
export type ScheduleMessages = (messages: readonly IncomingMessage[]) => Promise<number[]>;

export function createScheduling(clock: Clock, intake: Intake, scheduler: Scheduler): ScheduleMessages {
  return async (messages) => {
    // What is due already is scheduled for the next moment: it gets a number like all others.
    const soonest = clock.now() + 1;
    const later = messages.map((message) => {
      const scheduledEnqueueTimeMs = Math.max(message.scheduledEnqueueTimeMs ?? soonest, soonest);
      return { ...message, scheduledEnqueueTimeMs };
    });
    await intake(later);
    // A duplicate is dropped, and gets a number that names nothing.
    return later.map((message) => scheduler.numberOf(message) ?? scheduler.nextNumber());
  };
}

/** Behind every time that can be in a key. */
const NEVER_KEY = LAST_MOMENT_MS + 1;

const scheduledOf = ({ key, value }: Entry): Scheduled => ({
  sequence: scheduledSequenceOf(key),
  dueAtMs: scheduledDueOf(key),
  sizeBytes: value.readUInt32BE(0),
});

/** So many at once that their records are no more than some megabytes. */
function chunks(due: readonly Scheduled[]): Scheduled[][] {
  const all: Scheduled[][] = [];
  let bytes = NEVER;
  for (const one of due) {
    bytes += one.sizeBytes;
    if (bytes > AT_ONCE_BYTES) {
      all.push([]);
      bytes = one.sizeBytes;
    }
    all.at(-1)?.push(one);
  }
  return all;
}

/** The message as it was sent; its first number is the one under which it was scheduled. */
function messageOf(record: Buffer, sequence: number): IncomingMessage {
  const message = parseIncoming(encodeDelivery(record, { sequence, deliveryCount: 0 }));
  const { enqueuedAtMs, expiresAtMs } = storedFields(record);
  // A header cannot say every time to live.
  const ttlMs = expiresAtMs === NEVER ? undefined : expiresAtMs - enqueuedAtMs;
  return { ...message, ttlMs, enqueuedSequence: sequence };
}
