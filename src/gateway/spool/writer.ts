import type { SpoolStore, Write } from './store.js';

/**
 * Group commit: while one batch of writes is being synced the next one gathers, so that all who wait share an fsync.
 * Batches are written in the order in which they came. One that cannot be written fails those who wait for it, and all
 * that come after it: of a batch that no longer fitted on the disk there may be a half at the end of LevelDB's log, and
 * what LevelDB writes behind that, and says to have written, it passes over when it is opened again.
 */
export function createWriter(store: Pick<SpoolStore, 'write'>) {
  let gathering: Write[] = [];
  let next: Promise<void> | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let failure: { readonly error: unknown } | undefined;

  return {
    write(writes: readonly Write[]): Promise<void> {
      for (const write of writes) gathering.push(write);
      next ??= running.then(() => {
        const batch = gathering;
        gathering = [];
        next = undefined;
        if (failure !== undefined) throw failure.error;
        const written = store.write(batch);
        running = written.catch((error: unknown) => {
          failure = { error };
        });
        return written;
      });
      return next;
    },
    /** Resolves when everything that was given is written, or has failed. */
    async idle(): Promise<void> {
      while (next !== undefined) await next.catch(() => {});
      await running;
    },
  };
}
