import type { SpoolStore, Write } from './store.js';

/**
 * Group commit: while one batch of writes is being synced the next one gathers, so that all who wait share an fsync.
 * Batches are written in the order in which they came. A batch that cannot be written fails those who wait for it, and
 * them alone.
 */
export function createWriter(store: Pick<SpoolStore, 'write'>) {
  let gathering: Write[] = [];
  let next: Promise<void> | undefined;
  let running: Promise<unknown> = Promise.resolve();

  return {
    write(writes: readonly Write[]): Promise<void> {
      for (const write of writes) gathering.push(write);
      next ??= running.then(() => {
        const batch = gathering;
        gathering = [];
        next = undefined;
        const written = store.write(batch);
        running = written.catch(() => {});
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
