import type { Queue, QueueEntry } from '../entities/index.js';
import { encodeStored, type Storable, storedSessionId } from '../message/index.js';
import { sessionFault, withReason } from './dead-letter.js';
import type { Staged } from './staged.js';
import { lifeIn } from './time-to-live.js';

export interface StagingDeps {
  readonly queue: Pick<Queue, 'peekSequence' | 'put' | 'publish' | 'sessions'>;
  /** Absent for a dead-letter queue itself. */
  readonly deadLetters: { stageRecord(record: Buffer, expiresAtMs: number): Staged } | undefined;
  readonly defaultTimeToLiveMs: () => number;
  /** Hands out what can be handed out. */
  readonly handOut: () => void;
  /** A new message is there for a session. */
  readonly onArrived: (sessionId: string) => void;
}

const NEVER = Number.POSITIVE_INFINITY;

/** How messages come into a queue: they are staged, and once that is durable handed out. */
export function createStaging(deps: StagingDeps) {
  const { queue, deadLetters, handOut } = deps;

  function stageRecord(record: Buffer, expiresAtMs: number, deliveryCount = 0): Staged {
    const sessionId = queue.sessions && storedSessionId(record);
    const fault = queue.sessions && sessionFault(sessionId);
    if (fault !== undefined && deadLetters) return deadLetters.stageRecord(withReason(record, fault), NEVER);
    const sequence = queue.peekSequence();
    const write = queue.put(record, expiresAtMs, { deliveryCount, sessionId });
    const entry: QueueEntry = {
      sequence,
      sizeBytes: record.length,
      expiresAtMs,
      state: 'active',
      sessionId,
      deliveryCount,
      storedCount: deliveryCount > 0 ? deliveryCount : undefined,
      record,
    };
    if (sessionId === undefined) return { write, publish: () => queue.publish(entry), handOut };
    return {
      write,
      publish() {
        queue.publish(entry);
        deps.onArrived(sessionId);
      },
    };
  }

  return {
    stageRecord,

    /** A message as it is sent. */
    stage(message: Storable, nowMs: number): Staged {
      // Receivers are told the time to live that holds, not the longer one that was asked for.
      const ttlMs = lifeIn(message.ttlMs, deps.defaultTimeToLiveMs());
      // In a dead-letter queue nothing expires.
      const expiresAtMs = deadLetters === undefined ? NEVER : nowMs + (ttlMs ?? NEVER);
      const enqueuedSequence = message.enqueuedSequence ?? queue.peekSequence();
      const fields = { enqueuedAtMs: nowMs, expiresAtMs, enqueuedSequence };
      return stageRecord(encodeStored(message, fields, ttlMs), expiresAtMs);
    },
  };
}
