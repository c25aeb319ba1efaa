import { BrokerError } from '../errors.js';
import type { Write } from './types.js';

export interface GroupCommit {
  commit(writes: readonly Write[]): Promise<void>;
  onBatch(contribute: (into: Write[]) => void): void;
  pendingBytes(): number;
  /** Refuses further commits and resolves when everything that waits is written. */
  close(): Promise<void>;
}

/** What one fsync made durable. */
export interface CommittedBatch {
  readonly durationMs: number;
  /** Operations that shared it. */
  readonly callers: number;
  readonly bytes: number;
}

export interface CommitMeter {
  /** A clock of high resolution, in milliseconds. */
  now(): number;
  committed(batch: CommittedBatch): void;
}

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

const sizeOf = (writes: readonly Write[]) => {
  let bytes = 0;
  for (const write of writes) bytes += write.key.length + (write.value?.length ?? 0);
  return bytes;
};

/**
 * Group commit: while one batch is being synced, the commits of other callers gather and then go together. Nobody
 * waits longer than for the batch in flight, and the cost of fsync is shared by all who wait.
 *
 * A failed batch fails its callers and every later one: memory has run ahead of the disk, and only a restart brings
 * the two together again.
 */
export function createGroupCommit(
  apply: (batch: readonly Write[]) => Promise<void>,
  onFailure: (error: unknown) => void = () => {},
  meter?: CommitMeter,
): GroupCommit {
  let gathering: Write[] = [];
  let waiters: Waiter[] = [];
  let waitingBytes = 0;
  let inFlightBytes = 0;
  let running: Promise<void> | undefined;
  let failure: unknown;
  let closed = false;
  const contributors: ((into: Write[]) => void)[] = [];

  async function run(): Promise<void> {
    // One turn of the event loop, so that what other sockets have brought in the same turn goes along.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (waiters.length > 0) {
      const [batch, served] = [gathering, waiters];
      gathering = [];
      waiters = [];
      inFlightBytes = waitingBytes;
      waitingBytes = 0;
      try {
        for (const contribute of contributors) contribute(batch);
        const sinceMs = meter?.now() ?? 0;
        await apply(batch);
        meter?.committed({ durationMs: meter.now() - sinceMs, callers: served.length, bytes: inFlightBytes });
        inFlightBytes = 0;
        for (const waiter of served) waiter.resolve();
      } catch (cause) {
        failure =
          cause instanceof BrokerError
            ? cause
            : new BrokerError('PS_BROKER_STORE_FAILED', 'the store could not be written', { cause });
        for (const waiter of [...served, ...waiters]) waiter.reject(failure);
        waiters = [];
        gathering = [];
        onFailure(failure);
      }
      // Lets the answers of this batch bring new work before the next one is formed.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    running = undefined;
  }

  return {
    commit(writes) {
      if (failure !== undefined) return Promise.reject(failure);
      if (closed) return Promise.reject(new BrokerError('PS_BROKER_STORE_CLOSED', 'the store is closing'));
      for (const write of writes) gathering.push(write);
      waitingBytes += sizeOf(writes);
      return new Promise((resolve, reject) => {
        waiters.push({ resolve, reject });
        running ??= run();
      });
    },
    onBatch: (contribute) => void contributors.push(contribute),
    pendingBytes: () => waitingBytes + inFlightBytes,
    async close() {
      closed = true;
      await running;
    },
  };
}
