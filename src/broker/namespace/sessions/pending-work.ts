/** Work that is on its way to the disk. */
export interface PendingWork {
  /** Answers the work. */
  track<T>(work: Promise<T>): Promise<T>;
  /** Resolves when all that is under way at this moment has ended, in whatever way. */
  settled(): Promise<void>;
}

export function createPendingWork(): PendingWork {
  const pending = new Set<Promise<unknown>>();
  return {
    track(work) {
      pending.add(work);
      const done = () => void pending.delete(work);
      work.then(done, done);
      return work;
    },
    async settled() {
      await Promise.allSettled(pending);
    },
  };
}
