import { backoffMs } from '../../shared/backoff.js';
import type { CancelTimer, Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import { GatewayError } from '../errors.js';
import type { SpoolStore, Write } from './store.js';
import { createWriter } from './writer.js';

export interface SpoolDiskDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Pick<Logger, 'error' | 'info'>;
  /** Opens the store, again after it has failed. */
  readonly openStore: () => Promise<SpoolStore>;
}

/** The store of a spool, which is opened anew when it fails. */
export interface SpoolDisk {
  /** The store, as it is open now. */
  store(): SpoolStore;
  /** It has failed and is not open again yet: nobody knows what is on it. */
  isFailing(): boolean;
  /** Neither failing nor closed. */
  isUsable(): boolean;
  /** @throws GatewayError PS_SPOOL_UNUSABLE */
  write(writes: readonly Write[]): Promise<void>;
  /** It was found to be failing. */
  fail(error: unknown): void;
  /** What whoever needs it is told while it cannot be used. */
  unusable(): GatewayError;
  /** Writes what is on its way, and closes. */
  close(): Promise<void>;
}

const REOPEN = { firstDelayMs: 500, maxDelayMs: 15_000 };
/** A disk that fails is tried again within that time. */
export const REOPENED_WITHIN_MS = REOPEN.maxDelayMs;

/** @param onOpen learns what is in the store before anything is written to it; when it throws, the store has not opened */
export async function openSpoolDisk(
  { clock, random, logger, openStore }: SpoolDiskDeps,
  onOpen: (store: SpoolStore) => Promise<void>,
): Promise<SpoolDisk> {
  let store = await openStore();
  let writer = createWriter(store);
  let failing = false;
  let closed = false;
  let cancelReopen: CancelTimer = () => {};

  const unusable = () =>
    new GatewayError('PS_SPOOL_UNUSABLE', closed ? 'the spool is closed' : 'the spool cannot be written');

  function reopenLater(attempt: number): void {
    if (!closed) cancelReopen = clock.setTimer(() => void reopen(attempt), backoffMs(attempt, REOPEN, random));
  }

  async function reopen(attempt: number): Promise<void> {
    try {
      await store.close().catch(() => {});
      store = await openStore();
      await onOpen(store);
      writer = createWriter(store);
      failing = false;
      logger.info('the spool can be written again');
    } catch {
      reopenLater(attempt + 1);
    }
  }

  function fail(error: unknown): void {
    if (failing || closed) return;
    failing = true;
    logger.error({ err: error }, 'the spool cannot be written');
    reopenLater(0);
  }

  await onOpen(store);
  return {
    store: () => store,
    isFailing: () => failing,
    isUsable: () => !failing && !closed,
    fail,
    unusable,

    async write(writes) {
      if (failing || closed) throw unusable();
      try {
        await writer.write(writes);
      } catch (error) {
        fail(error);
        throw unusable();
      }
    },

    async close() {
      if (closed) return;
      closed = true;
      cancelReopen();
      await writer.idle();
      await store.close();
    },
  };
}
