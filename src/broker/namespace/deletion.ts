/** The end of an entity, as its links are told of it. */
export interface Deletion {
  /** Calls `listener` when the entity is deleted, until the answered function is called. */
  subscribe(listener: () => void): () => void;
  readonly done: boolean;
}

export function createDeletion(): Deletion & { announce(): void } {
  const listeners = new Set<() => void>();
  let done = false;
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    get done() {
      return done;
    },
    announce() {
      done = true;
      for (const listener of [...listeners]) listener();
      listeners.clear();
    },
  };
}
