import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createRoom, type Room, type Space, spaceOf } from '../shared/room.js';
import { ensureComplete, ensureWritable } from './folders.js';
import { createEventLogs, createNodeDisk, defaultEventLogsOptions, type EventLogs } from './log/index.js';
import { type BrokerDeps, type BrokerOptions, brokerFolders } from './options.js';
import { beginRun, type RunNote } from './run-note.js';
import { type CommittedBatch, ensureSound, ensureUnlocked, openLevelStore, type Store } from './store/index.js';

/** All that a broker has on disk, held by this process alone. */
export interface Storage {
  readonly folders: ReturnType<typeof brokerFolders>;
  /** Whether there was anything in it before. */
  readonly isUsed: boolean;
  /** Messages, and all else but events. */
  readonly store: Store;
  /** Events of hubs. */
  readonly logs: EventLogs;
  readonly room: Room;
  readonly run: RunNote;
  close(): Promise<void>;
}

export interface StorageDeps extends Pick<BrokerDeps, 'clock' | 'logger'> {
  /** One batch of writes is on disk. */
  readonly onCommitted: (what: 'messages' | 'events', batch: CommittedBatch) => void;
  /** A write failed: memory has run ahead of the disk. */
  readonly onFailure: (error: unknown) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Opens the folder of a broker; how much room its disk has is looked at from `room.start` on.
 * @throws BrokerError where it cannot be used, is another broker's or is damaged
 */
export async function openStorage(
  { dataDir, minFreeBytes }: Pick<BrokerOptions, 'dataDir' | 'minFreeBytes'>,
  deps: StorageDeps,
): Promise<Storage> {
  const folders = brokerFolders(dataDir);
  await ensureWritable(folders);
  await ensureComplete(folders);
  // The store first: it is what tells that another broker has the folder.
  await ensureUnlocked(folders.store);
  const run = await beginRun(folders.running, deps.clock, deps.onError);
  if (run.isSuspicious) await ensureSound(folders.store, { thorough: true });
  const room = watchRoom(folders.root, minFreeBytes, deps);
  const meterOf = (what: 'messages' | 'events') => ({
    now: () => performance.now(),
    committed(batch: CommittedBatch) {
      room.written(batch.bytes);
      deps.onCommitted(what, batch);
    },
  });
  const isUsed = existsSync(join(folders.store, 'CURRENT'));
  const store = await openLevelStore(folders.store, deps.onFailure, meterOf('messages')).catch(
    async (error: unknown) => {
      await run.end();
      throw error;
    },
  );
  const logs = createEventLogs(createNodeDisk(folders.hubs), defaultEventLogsOptions, {
    onFailure: deps.onFailure,
    meter: meterOf('events'),
  });
  return {
    folders,
    isUsed,
    store,
    logs,
    room,
    run,
    async close() {
      room.stop();
      await logs.close();
      await store.close();
      await run.end();
    },
  };
}

function watchRoom(folder: string, minFreeBytes: number | undefined, { clock, logger, onError }: StorageDeps): Room {
  const measure = () => spaceOf(folder);
  const onChange = (low: boolean, { freeBytes }: Space) => {
    if (low) logger.error({ freeBytes, folder }, 'the disk is nearly full: what is sent is refused');
    else logger.info({ freeBytes, folder }, 'the disk has room again: what is sent is taken');
  };
  return createRoom({ clock, measure, onChange, onError }, minFreeBytes);
}
