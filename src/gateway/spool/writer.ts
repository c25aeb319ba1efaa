import type { SpoolStore, Write } from './store.js';

/** LevelDB has a batch in memory twice while it is written, and the one before until its table is. */
const MAX_BATCH_BYTES = 2 * 1024 * 1024;

/**
 * Group commit: while one batch of writes is being synced the next one gathers, so that all who wait share an fsync.
 * Batches are written in the order in which they came. One that cannot be written fails those who wait for it, and all
 * that come after it: of a batch that no longer fitted on the disk there may be a half at the end of LevelDB's log, and
 * what LevelDB writes behind that, and says to have written, it passes over when it is opened again.
 */
export function createWriter(store: Pick<SpoolStore, 'write'>) {
  /** The batches that wait, of which only the last one grows. */
  const waiting: { readonly writes: Write[]; bytes: number; readonly written: Promise<void> }[] = [];
  let running: Promise<unknown> = Promise.resolve();
  let failure: { readonly error: unknown } | undefined;

  function open() {
    const written = running.then(async () => {
      const batch = waiting.shift();
      if (failure !== undefined) throw failure.error;
      await store.write(batch?.writes ?? []).catch((error: unknown) => {
        failure = { error };
        throw error;
      });
    });
    running = written.catch(() => {});
    const batch = { writes: [], bytes: 0, written };
    waiting.push(batch);
    return batch;
  }

  return {
    write(writes: readonly Write[]): Promise<void> {
      const bytes = bytesOf(writes);
      const last = waiting.at(-1);
      const batch = last !== undefined && last.bytes + bytes <= MAX_BATCH_BYTES ? last : open();
      for (const write of writes) batch.writes.push(write);
      batch.bytes += bytes;
      return batch.written;
    },
    /** Resolves when everything that was given is written, or has failed. */
    async idle(): Promise<void> {
      while (waiting.length > 0) await running;
      await running;
    },
  };
}

function bytesOf(writes: readonly Write[]): number {
  let bytes = 0;
  for (const { value } of writes) bytes += value?.length ?? 0;
  return bytes;
}
